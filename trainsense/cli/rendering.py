"""Formats by name, the files of `--output`, and getting a report out of the door."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from trainsense.cli.choice import check_choice
from trainsense.errors import CannotRunError, OptionError
from trainsense.records.report import Report
from trainsense.reporters.json import write_json
from trainsense.reporters.text import write_text

Writer = Callable[[Report, TextIO], None]
WRITERS: Final[Mapping[str, Writer]] = {"text": write_text, "json": write_json}
LATER_FORMATS: Final = ("markdown", "junit", "sarif", "github", "html")


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """A file to write beside standard output: one `--output FORMAT=PATH`."""

    format: str
    path: Path


def check_format(name: str) -> None:
    """Raise an `OptionError` unless this version writes the format."""
    check_choice("--format", name, WRITERS, later=LATER_FORMATS)


def parse_outputs(texts: Sequence[str]) -> tuple[OutputFile, ...]:
    """Return the files that are to be written, after checking that they can be.

    Raises:
        OptionError: not `FORMAT=PATH`, an unknown format, a path twice, a folder, or a folder that cannot be written.
    """
    outputs = tuple(_parse_output(text) for text in texts)
    paths = [output.path.absolute() for output in outputs]
    twice = next((output.path for output in outputs if paths.count(output.path.absolute()) > 1), None)
    if twice is not None:
        msg = f"--output names {twice} twice: the second would overwrite the first. Give each its own path."
        raise OptionError(msg)
    return outputs


def deliver(write: Callable[[TextIO], object], stream: TextIO) -> None:
    """Write to standard output; a reader that left early (`| head`) is no error.

    Raises:
        CannotRunError: the stream cannot take it, for instance because the disk is full.
    """
    try:
        write(stream)
        stream.flush()
    except BrokenPipeError:
        _sink(stream)
    except OSError as error:
        _sink(stream)
        msg = f"The report could not be written to standard output: {error.strerror}."
        raise CannotRunError(msg) from None


def write_output(report: Report, output: OutputFile) -> None:
    """Write one file, in UTF-8.

    Raises:
        CannotRunError: the file cannot be written.
    """
    try:
        with output.path.open("w", encoding="utf-8", newline="\n") as stream:
            WRITERS[output.format](report, stream)
    except OSError as error:
        msg = f"The report could not be written to {output.path}: {error.strerror}."
        raise CannotRunError(msg) from None


def _parse_output(text: str) -> OutputFile:
    name, equals, target = text.partition("=")
    if not equals or not target.strip():
        msg = f"--output {text!r} is not FORMAT=PATH, for example json=report.json. Formats: {', '.join(WRITERS)}."
        raise OptionError(msg)
    check_choice("--output", name, WRITERS, later=LATER_FORMATS)
    path = Path(target).expanduser()
    if path.is_dir():
        msg = f"--output {text!r} names a folder: name the file in it, for example {name}={path / 'report'}.{name}."
        raise OptionError(msg)
    if not path.parent.is_dir():
        msg = f"--output {text!r} cannot be written: there is no folder {path.parent}. Create it first."
        raise OptionError(msg)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        msg = f"--output {text!r} cannot be written: no permission. Choose another path."
        raise OptionError(msg)
    return OutputFile(format=name, path=path)


def _sink(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that closing the stream does not fail again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
