"""The lines that make the model edits of a set of settings."""

from trainsense.records.plan import Subject
from trainsense.records.settings import Settings


def edit_lines(settings: Settings, baseline: Settings, subject: Subject) -> list[str]:
    """Return the lines that edit `model`, in the order of `settings.edits`; those of `baseline` are there already."""
    codes = {survey.edit: survey.code for survey in subject.edits}
    lines: list[str] = []
    for edit in settings.edits:
        if edit not in baseline.edits:
            lines += (codes.get(edit) or f"# make this edit of the model by hand: {edit}").rstrip("\n").split("\n")
    return lines
