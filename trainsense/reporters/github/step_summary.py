"""The summary of a GitHub step: markdown for `$GITHUB_STEP_SUMMARY`, at most 1 MiB, without pictures."""

from trainsense.reporters.document import Document


def step_summary(document: Document) -> str:
    """Return the document as GitHub shows it."""
    raise NotImplementedError
