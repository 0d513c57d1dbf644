"""A stranger's text as markdown: it shows as it is, and makes no markup, mention, reference or link.

CommonMark 0.31 (backslash escapes, entities, code spans) and GitHub's flavour of it. GitHub looks for mentions,
references and addresses in what markdown has made, so that no escape stops them; but it leaves code alone.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final

LINE_ENDS: Final = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
PARAGRAPH_ENDS: Final = re.compile(r"\n[ \n]*\n")
JOINERS: Final = "\u200c\u200d"
"""Format characters that words and emoji are made with."""

REFERENCES: Final = re.compile(
    r"""(?: (?:https?|ftp)://|www\.|(?:mailto|xmpp):    # addresses
        | (?:(?<![\w.+/-])[\w.+/-]*+)?@\w               # mentions, teams, mail
        | (?:(?<![\w./-])[\w./-]*+)?[\#!]\d|GH-\d       # issues, pull requests, merge requests
        | [0-9a-f]{40}                                  # commits
        | (?<!\w):[a-z0-9_+-]*[a-z][a-z0-9_+-]*:        # emoji by name
    )(?:[^\s|`<>\[\]]*[^\s|`<>\[\].,;:!?)"'])?          # and the rest of the word
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What GitHub or GitLab turns into a link, a notification or a picture."""

MARKUP: Final = re.compile(r"[\\`*\[\]~#$|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9_])")
LINE_START: Final = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$)))?([-+=:/.)])")
"""What starts a list, a heading, a table, or a quick action of GitLab's."""


def one_line(text: str) -> str:
    r"""Return `text` as markdown on one line, for headings, cells and emphasis.

    >>> one_line("a *b* <i> | c_d by @octocat")
    'a \\*b\\* &lt;i&gt; \\| c_d by `@octocat`'
    """
    return _escaped_line(" ".join(plain_text(text).split()), starts=False)


def running_text(text: str, indent: str = "") -> str:
    """Return `text` as one or more paragraphs; line breaks in it are kept.

    Args:
        text: any text.
        indent: what every line but the first begins with, inside of a list.
    """
    paragraphs = []
    for paragraph in PARAGRAPH_ENDS.split(plain_text(text)):
        lines = (_escaped_line(" ".join(line.split()), starts=True) for line in paragraph.split("\n"))
        paragraphs.append(f"\\\n{indent}".join(line for line in lines if line))
    return f"\n\n{indent}".join(paragraph for paragraph in paragraphs if paragraph)


def code_span(text: str) -> str:
    """Return `text` in code font on one line, nothing for an empty text.

    >>> code_span("early-instability"), code_span("a`b")
    ('`early-instability`', '``a`b``')
    """
    line = " ".join(plain_text(text).split())
    if not line:
        return ""
    ticks = _longer_run(line, 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def code_block(text: str, language: str) -> str:
    """Return `text` as a block of code; `language` is a word, or empty."""
    info = language if re.fullmatch(r"[a-z0-9+-]*", language) else ""
    lines = plain_text(text, tabs=True).strip("\n")
    ticks = _longer_run(lines, 3)
    return f"{ticks}{info}\n{lines}\n{ticks}"


def html_line(text: str) -> str:
    """Return `text` on one line of HTML, where markdown is not read but references still are."""
    line = " ".join(plain_text(text).split())
    return _with_references(line, html.escape, lambda reference: f"<code>{html.escape(reference)}</code>")


def plain_text(text: str, *, tabs: bool = False) -> str:
    """Return `text` with line feeds as its only control characters.

    Args:
        text: any text; characters that change direction or cannot be seen go, lone surrogates are replaced.
        tabs: whether tabs stay, instead of becoming spaces.
    """
    text = LINE_ENDS.sub("\n", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_kept(char, tabs=tabs) for char in text)


def _kept(char: str, *, tabs: bool) -> str:
    if char == "\n" or char in JOINERS:
        return char
    if char == "\t":
        return "\t" if tabs else " "
    category = unicodedata.category(char)
    return "\ufffd" if category == "Cs" else "" if category in {"Cc", "Cf"} else char


def _escaped_line(line: str, *, starts: bool) -> str:
    """Return `line` escaped; `starts` says whether it may stand where a line of markdown starts."""
    escaped = _with_references(line, _escaped, "`{}`".format)
    return LINE_START.sub(r"\1\\\2", escaped, count=1) if starts else escaped


def _escaped(part: str) -> str:
    return MARKUP.sub(r"\\\g<0>", html.escape(part, quote=False))


def _with_references(line: str, escape: Callable[[str], str], code: Callable[[str], str]) -> str:
    """Return `line` with `code` around what makes a reference, the rest escaped."""
    parts, end = [], 0
    for match in REFERENCES.finditer(line):
        parts += [escape(line[end : match.start()]), code(match[0])]
        end = match.end()
    return "".join([*parts, escape(line[end:])])


def _longer_run(text: str, least: int) -> str:
    """Return more backticks than stand together anywhere in `text`, at least so many."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
