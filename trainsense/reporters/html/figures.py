"""Figures: the picture with its alternative text, its caption, and a table of its numbers."""

from typing import Final

from trainsense.reporters.document import Figure
from trainsense.reporters.html.limits import MOST_BYTES, Limits
from trainsense.reporters.html.markup import Markup, element
from trainsense.reporters.html.pictures import Picture
from trainsense.reporters.html.tables import table_of
from trainsense.reporters.html.texts import limited, text_of

NO_ROOM: Final = f"The picture is left out: this page holds at most {MOST_BYTES // 1_000_000} MB."
NOT_AT_HAND: Final = "The picture is not at hand."


def figure_of(figure: Figure, picture: Picture | None, limits: Limits) -> Markup:
    """Return the figure.

    Args:
        figure: what is shown.
        picture: its file as it was read, None where it could not be.
        limits: of the page.
    """
    shown = (
        _image(figure, picture, picture.address, limits)
        if picture is not None and picture.address is not None
        else _without(figure, NOT_AT_HAND if picture is None else NO_ROOM, limits)
    )
    caption = element("p", limited(figure.caption or figure.name, limits))
    return element("figure", shown, element("figcaption", caption, _numbers(figure, limits)))


def _image(figure: Figure, picture: Picture, address: str, limits: Limits) -> Markup:
    return element(
        "img",
        src=address,
        alt=limited(figure.alternative or figure.caption or figure.name, limits),
        width=str(picture.width) if picture.width else None,
        height=str(picture.height) if picture.height else None,
    )


def _without(figure: Figure, why: str, limits: Limits) -> Markup:
    alternative = element("p", text_of(figure.alternative, limits)) if figure.alternative else Markup()
    return element("div", alternative, element("p", why, class_="left-out"), class_="no-picture")


def _numbers(figure: Figure, limits: Limits) -> Markup:
    if figure.numbers is None:
        return Markup()
    return element("details", element("summary", "The numbers"), table_of(figure.numbers, limits))
