"""Lines to paste for a set of settings, one file per framework."""

from trainsense.diagnosis.snippets.lightning import lightning
from trainsense.diagnosis.snippets.pytorch import pytorch
from trainsense.diagnosis.snippets.transformers import transformers
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

__all__ = ["snippets"]


def snippets(settings: Settings, baseline: Settings, subject: Subject) -> dict[str, str]:
    """Return lines of Python that train with `settings`, by framework: `pytorch`, `lightning`, `transformers`.

    Args:
        settings: what to train with.
        baseline: what the user trains with today; what stays as it is, is left out where the framework allows it.
        subject: the user's optimizer, schedule, planned length and the code of model edits.
    """
    return {
        "pytorch": pytorch(settings, baseline, subject),
        "lightning": lightning(settings, baseline, subject),
        "transformers": transformers(settings, baseline, subject),
    }
