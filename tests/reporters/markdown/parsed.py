"""Markdown read back: what a reader of GitHub's flavour makes of it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

OURS = re.compile(r"<details>\n<summary>(?P<text>(?:[^<>]|</?code>)*)</summary>\n|</details>\n?")
"""The only HTML that may stand in a document."""

LIVE = re.compile(
    r"@\w|#\d|!\d|GH-\d|https?://\w|ftp://\w|www\.\w|mailto:\w|[0-9a-f]{40}|(?<!\w):[a-z]\w*:(?!\w)", re.IGNORECASE
)
"""What GitHub would make a link or a notification of, outside of code."""

ATOMS = (
    *(
        "|",
        "||",
        "\\",
        "\\|",
        "`",
        "``",
        "```",
        "~~~",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "<",
        ">",
        "&",
        "&amp;",
        "#",
        "$",
        "!",
        "(",
        ")",
    ),
    *(
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "    ",
        " ",
        "\u2028",
        "\x85",
        "\x00",
        "\x1b[31m",
        "\ud800",
        "\udfff",
        "\u202e",
        "\u200b",
        "\ufeff",
    ),
    *(
        "- ",
        "+ ",
        "> ",
        "1. ",
        "7) ",
        "# ",
        "---",
        "===",
        "***",
        "|---|",
        ":--",
        "- [ ] ",
        "[^1]",
        "[a](b)",
        "![i](javascript:x)",
    ),
    *(
        "<b>",
        "</details>",
        "<!--",
        "-->",
        "<script>alert(1)</script>",
        "<https://a.example>",
        "</summary>",
        "]]>",
        "&#64;x",
        "&lt;",
    ),
    *(
        "@octocat",
        "@org/team",
        "me@example.org",
        "#123",
        "GH-7",
        "!42",
        "owner/repo#5",
        "https://a.example/b?c=d&e",
        "www.x.org",
        ":tada:",
    ),
    *(
        "a" * 40,
        "/close",
        "[!NOTE]",
        "::error::x",
        "x",
        "lr",
        "word",
        "0.1",
        "日本",
        "résumé",
        "👩‍🔬",
        "a_b",
        "%0A",
        "$x$",
        "[red]",
    ),
)
strings = st.lists(st.sampled_from(ATOMS) | st.text(max_size=4), max_size=8).map("".join)
"""Strings as no friend would write them."""


def parsed(text: str) -> list[Token]:
    """Return the blocks, HTML recognised."""
    text.encode("utf-8")  # no lone surrogate is left
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def told(tokens: Iterable[Token]) -> str:
    """Return the text that is shown, on one line, and check that nothing in it is live."""
    parts = []
    for token in tokens:
        if token.type == "inline":
            parts.append("".join(_inline(token.children or [])))
        elif token.type == "html_block":
            match = OURS.fullmatch(token.content)
            assert match, token.content
            parts.append(
                re.sub("</?code>", "", match["text"] or "")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", '"')
                .replace("&#x27;", "'")
                .replace("&amp;", "&")
            )
        elif token.type == "fence":
            parts.append(token.content)
    return one_line(" ".join(parts))


def one_line(text: str) -> str:
    """Return `text` with its white space as single spaces."""
    return " ".join(text.split())


def tables(tokens: Sequence[Token]) -> list[list[list[str]]]:
    """Return the cells of every table, row by row."""
    found: list[list[list[str]]] = []
    for position, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            found[-1][-1].append("".join(_inline(tokens[position + 1].children or [])))
    return found


def _inline(children: Sequence[Token]) -> Iterator[str]:
    for token in children:
        match token.type:
            case "text" | "text_special":
                assert not LIVE.search(token.content), token.content
                yield token.content
            case "code_inline":
                yield token.content
            case "softbreak" | "hardbreak":
                yield " "
            case "strong_open" | "strong_close" | "image":
                pass
            case other:
                raise AssertionError(other, token.content)
