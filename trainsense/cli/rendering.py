"""Formats by name, the files of `--output`, and getting a report out of the door."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from trainsense.cli.choice import check_choice
from trainsense.cli.streams import deliver
from trainsense.errors import CannotRunError, OptionError
from trainsense.records.report import Report, Threshold
from trainsense.reporters.formats import FORMATS
from trainsense.reporters.interface import Rendering
from trainsense.rules import RULES

WriteFormat = Callable[[str, TextIO, Path | None], None]
"""Writes one format to a stream; told the file that it is, None for standard output."""


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """A file to write beside standard output: one `--output FORMAT=PATH`."""

    format: str
    path: Path


def check_format(name: str) -> None:
    """Raise an `OptionError` unless this version writes the format."""
    check_choice("--format", name, FORMATS)


def parse_outputs(texts: Sequence[str], option: str = "--output") -> tuple[OutputFile, ...]:
    """Return the files that are to be written, after checking that they can be; `option` is what named them.

    Raises:
        OptionError: not `FORMAT=PATH`, an unknown format, a path twice, a folder, or a folder that cannot be written.
    """
    outputs = tuple(_parse_output(text, option) for text in texts)
    paths = [output.path.absolute() for output in outputs]
    twice = next((output.path for output in outputs if paths.count(output.path.absolute()) > 1), None)
    if twice is not None:
        msg = f"{option} names {twice} twice: the second would overwrite the first. Give each its own path."
        raise OptionError(msg)
    return outputs


def writer_of(report: Report, fail_on: Threshold, directory: Path | None) -> WriteFormat:
    """Return what writes a report in any format.

    Args:
        report: the report.
        fail_on: severity from which a finding fails.
        directory: what its plots are relative to, None where they are not at hand.
    """

    def write(name: str, stream: TextIO, target: Path | None) -> None:
        FORMATS[name](report, stream, rendering_of(fail_on, directory, target))

    return write


def rendering_of(fail_on: Threshold, directory: Path | None, target: Path | None) -> Rendering:
    """Return what writers are told besides the report, the pages of all rules among it."""
    pages = {rule.name: rule for rule in RULES}
    return Rendering(fail_on=fail_on, pages=pages, directory=directory, target=target)


def send(write: WriteFormat, name: str, outputs: Sequence[OutputFile], stream: TextIO) -> None:
    """Write one format to standard output, and the files beside it.

    Raises:
        CannotRunError: one of them cannot be written; the others are written all the same.
    """
    failures = []
    for output in outputs:
        try:
            write_output(write, output)
        except CannotRunError as error:
            failures.append(error)
    deliver(lambda out: write(name, out, None), stream)
    if failures:
        raise failures[0]


def write_output(write: WriteFormat, output: OutputFile) -> None:
    """Write one file, in UTF-8.

    Raises:
        CannotRunError: the file cannot be written.
    """
    try:
        with output.path.open("w", encoding="utf-8", newline="\n") as stream:
            write(output.format, stream, output.path)
    except OSError as error:
        msg = f"The report could not be written to {output.path}: {error.strerror}."
        raise CannotRunError(msg) from None


def _parse_output(text: str, option: str) -> OutputFile:
    name, equals, target = text.partition("=")
    if not equals or not target.strip():
        msg = f"{option} {text!r} is not FORMAT=PATH, for example json=report.json. Formats: {', '.join(FORMATS)}."
        raise OptionError(msg)
    check_choice(option, name, FORMATS)
    path = Path(target).expanduser()
    if path.is_dir():
        msg = f"{option} {text!r} names a folder: name the file in it, for example {name}={path / 'report'}.{name}."
        raise OptionError(msg)
    if not path.parent.is_dir():
        msg = f"{option} {text!r} cannot be written: there is no folder {path.parent}. Create it first."
        raise OptionError(msg)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        msg = f"{option} {text!r} cannot be written: no permission. Choose another path."
        raise OptionError(msg)
    return OutputFile(format=name, path=path)
