"""Text for streams that cannot carry every character: stand-ins of the same width, so that columns stay aligned."""

import codecs
from functools import lru_cache
from itertools import groupby
from typing import Final

from rich.cells import cell_len

STAND_INS: Final = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True)),
        "★": "*",
        "×": "x",
        "✓": "+",
        "✗": "X",
        "▲": "!",
        "●": "o",
        "•": "*",
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
        The same text for UTF-8; else stand-ins for our symbols, and as many `?` as they are wide for other characters
        that are not there.

    >>> encodable("▁█★ a → 日", "ascii")
    '18* a > ??'
    """
    name = codecs.lookup(encoding or "utf-8").name
    if not name.startswith("utf"):
        text = text.translate(STAND_INS)
    runs = groupby(text, key=lambda char: _is_there(char, name))
    return "".join(
        shown if there else "?" * cell_len(shown) for there, shown in ((key, "".join(run)) for key, run in runs)
    )


@lru_cache(maxsize=4096)
def _is_there(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
