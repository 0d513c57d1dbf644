"""HTML that cannot be injected into: text and markup are two types, and text is escaped where the two meet."""

import re
from html import escape
from typing import Final, Self

VOID: Final = frozenset({"br", "img", "link", "meta"})
"""Elements without an end tag."""
INLINE: Final = frozenset({"a", "br", "code", "img", "span", "td", "th"})
"""Elements that are not followed by a line break in the source; the others are, so that it can be read."""

LINE_BREAK: Final = re.compile(r"\r\n?|\x85|\u2028|\u2029")
UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text around them."""
NO_CHARACTER: Final = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
"""Lone surrogates and code points that are no characters: HTML allows neither."""
PART_END: Final = re.compile(r"(?<=\w)[_./\\-](?=\w)")
"""Where a name of files or modules can be wrapped."""


class Markup(str):
    """A piece of HTML: what has been escaped already. Joined to plain text it is plain text again."""

    __slots__ = ()

    @classmethod
    def joined(cls, *pieces: str) -> Self:
        """Return the pieces one after the other; those that are plain text are escaped."""
        return cls("".join(piece if isinstance(piece, Markup) else escaped(piece) for piece in pieces))


def clean(text: str) -> str:
    r"""Return the text as HTML can hold it: no control characters but tab and line break, no lone surrogates.

    >>> clean("a\x1b[31m\r\nb\ud800")
    'a[31m\nb\ufffd'
    """
    return NO_CHARACTER.sub("\ufffd", UNSEEN.sub("", LINE_BREAK.sub("\n", text)))


def escaped(text: str) -> Markup:
    """Return plain text as HTML, for contents and quoted attributes alike.

    >>> escaped('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return Markup(escape(clean(text)))


def element(name: str, /, *content: str, **attributes: str | None) -> Markup:
    """Return an element.

    Args:
        name: of the element, in lower case.
        content: plain text, which is escaped, and markup, which is not; void elements have none.
        attributes: `class_` is `class`, `aria_label` is `aria-label`; None leaves one out.

    >>> element("a", "2 < 3", href="#x", class_="quiet", title=None)
    '<a href="#x" class="quiet">2 &lt; 3</a>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in VOID else f"</{name}>"
    after = "" if name in INLINE else "\n"
    return Markup(f"<{name}{told}>{Markup.joined(*content)}{end}{after}")


def lines(text: str) -> Markup:
    r"""Return plain text with its line breaks.

    >>> lines("a\n<b>")
    'a<br>&lt;b&gt;'
    """
    return Markup(escaped(text).replace("\n", "<br>"))


def breakable(text: str) -> Markup:
    """Return a name that may be wrapped after each of its parts.

    >>> breakable("wide_resnet.py")
    'wide_<wbr>resnet.<wbr>py'
    """
    return Markup(PART_END.sub(r"\g<0><wbr>", escaped(text)))
