"""Tones: a sign and a word, in a colour that repeats what they say."""

from collections.abc import Mapping
from typing import Final

from trainsense.reporters.document import Tone
from trainsense.reporters.html.markup import Markup, element
from trainsense.reporters.sections.layout import SYMBOLS

COLOURS: Final[Mapping[Tone, str]] = {
    "healthy": "good",
    "unhealthy": "bad",
    "inconclusive": "doubtful",
    "error": "bad",
    "warning": "doubtful",
    "note": "remark",
    "verified": "good",
    "rejected": "bad",
    "untested": "plain",
    "neutral": "plain",
}
"""The class of the stylesheet that sets the colour."""


def badge(tone: Tone, word: str) -> Markup:
    """Return the word with the tone's sign before it; the sign is not read aloud."""
    sign = SYMBOLS.get(tone, "")
    shown = element("span", sign, class_="sign", aria_hidden="true") if sign else Markup()
    return element("span", shown, " " if sign and word else "", word, class_=f"badge {COLOURS[tone]}")
