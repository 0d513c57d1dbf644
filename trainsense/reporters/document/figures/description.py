"""`Description`: what a plot shows, for who cannot see it."""

from dataclasses import dataclass

from trainsense.reporters.document.blocks import Table


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a plot shows.

    Args:
        caption: its title.
        alternative: one or two sentences with the key numbers.
        numbers: what is plotted; None where the report does not hold it.
    """

    caption: str
    alternative: str
    numbers: Table | None


def sentence(text: str) -> str:
    """Return `text` as a sentence: a capital first, a full stop last.

    >>> sentence("best 0.1; fails from 0.3")
    'Best 0.1; fails from 0.3.'
    """
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
