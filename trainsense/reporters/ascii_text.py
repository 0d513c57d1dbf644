"""Text for streams that cannot carry every character: stand-ins of the same width, so that columns stay aligned."""

import codecs
from typing import Final

STAND_INS: Final = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True)),
        "★": "*",
        "×": "x",
        "✓": "+",
        "✗": "X",
        "▲": "!",
        "●": "o",
        "·": ";",
        "→": ">",
        "…": ".",
        "–": "-",
        "—": "-",
        "−": "-",
        "≥": ">",
        "≤": "<",
        "±": "~",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
    },
)


def encodable(text: str, encoding: str | None) -> str:
    """Return `text` as a stream of this encoding can carry it.

    Args:
        text: any text, lone surrogates included.
        encoding: the stream's; None (a stream in memory) is taken for UTF-8.

    Returns:
        The same text for UTF-8; else stand-ins for our symbols, and `?` for any other character that is not there.

    >>> encodable("▁█★ a → b", "ascii")
    '18* a > b'
    """
    name = codecs.lookup(encoding or "utf-8").name
    if not name.startswith("utf"):
        text = text.translate(STAND_INS)
    return text.encode(name, "replace").decode(name)
