"""The stylesheet: colours that can be read in light and dark, and nothing from elsewhere."""

import re

import pytest

from trainsense.reporters.html.page import stylesheet

TEXTS = ("ink", "quiet", "link", "good", "bad", "doubtful", "remark", "plain")
GROUNDS = ("page", "surface", "code")
TONES = ("good", "bad", "doubtful", "remark", "plain")
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
PAIRS = [(text, ground) for text in TEXTS for ground in GROUNDS] + [("on-tone", tone) for tone in TONES]


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = (_colours(block) for block in re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL))
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}


def _luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    colours = _schemes()[scheme]
    darker, lighter = sorted((_luminance(colours[text]), _luminance(colours[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= LEAST_CONTRAST


def test_no_colour_is_set_but_those_that_are_measured() -> None:
    used = set(re.findall(r"[;{ ]color: ([^;]+);", stylesheet()))
    assert used == {f"var(--{name})" for name in ("ink", "quiet", "link", "tone", "on-tone")}
    tones = set(re.findall(r"--tone: var\(--([\w-]+)\)", stylesheet()))
    assert tones == set(TONES)
    grounds = set(re.findall(r"(?:background|--box): var\(--([\w-]+)\)", stylesheet()))
    assert grounds == {*GROUNDS, "box", "tone", "plot"} - {"box"}


def test_is_plain_and_fetches_nothing() -> None:
    style = stylesheet()
    assert style.isascii()
    assert "url(" not in style
    assert "@import" not in style
    assert "</" not in style
    assert style.count("{") == style.count("}")


def test_dark_is_for_screens_and_all_of_a_code_is_selected_at_once() -> None:
    style = stylesheet()
    assert "@media screen and (prefers-color-scheme: dark)" in style
    assert re.search(r"\.copy code \{[^}]*[^-]user-select: all", style)
