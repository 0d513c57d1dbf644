"""A template on its way into the user's file."""

import os
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from trainsense.cli.choice import check_choice
from trainsense.cli.streams import deliver, report_stream
from trainsense.errors import CannotRunError, OptionError
from trainsense.reporters.ascii_text import encodable


@dataclass(frozen=True, kw_only=True)
class Template:
    """A workload file to start from.

    Args:
        file: its name beside `trainsense/cli/templates/__init__.py`.
        what: what it trains, for one line.
        extra: the package that it needs beside torch, which is also the name of trainsense's extra; empty for none.
    """

    file: str
    what: str
    extra: str = ""

    def text(self) -> str:
        """Return the file as it is to be written."""
        return files("trainsense.cli.templates").joinpath(self.file).read_text(encoding="utf-8")


TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "pytorch": Template(file="pytorch.py", what="a classifier"),
        "language-model": Template(file="language_model.py", what="a small causal transformer on text"),
        "lightning": Template(file="lightning.py", what="a LightningModule", extra="lightning"),
        "transformers": Template(file="transformers.py", what="a small BERT", extra="transformers"),
    }
)


def print_template(name: str) -> None:
    """Write a template to standard output.

    Raises:
        OptionError: there is no such template.
        CannotRunError: standard output cannot take it.
    """
    text = _template(name).text()
    with report_stream() as stream:
        deliver(lambda out: out.write(text), stream)


def start_file(path: Path, name: str, *, force: bool) -> None:
    """Write a template to a file, whole or not at all, and say on standard output what to do with it.

    Args:
        path: where to.
        name: the template's.
        force: whether a file that is there is overwritten.

    Raises:
        OptionError: no such template, no `.py` file, no folder for it, or it exists and `force` is not set.
        CannotRunError: it cannot be written.
    """
    template = _template(name)
    try:
        _check_path(path, force=force)
        _write(path, template.text())
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}."
        raise CannotRunError(msg) from None
    shown = shlex.quote(str(path))
    lines = [
        f"Wrote {path}: {template.what}, to be replaced by yours part by part. Next:",
        *_install(template),
        f"  trainsense preflight {shown}",
        f"  trainsense diagnose {shown} --budget 5m",
    ]
    with report_stream() as stream:
        text = encodable("\n".join([*lines, ""]), getattr(stream, "encoding", None))
        deliver(lambda out: out.write(text), stream)


def _template(name: str) -> Template:
    check_choice("--template", name, TEMPLATES)
    return TEMPLATES[name]


def _check_path(path: Path, *, force: bool) -> None:
    if path.is_dir():
        msg = f"{path} is a folder: name the file in it, for example {path / 'workload.py'}."
        raise OptionError(msg)
    if path.suffix != ".py":
        msg = f"{path} is not a .py file, which a workload lives in: name it {path.with_suffix('.py')}, for example."
        raise OptionError(msg)
    if not path.parent.is_dir():
        msg = f"{path} cannot be written: there is no folder {path.parent}. Create it first."
        raise OptionError(msg)
    there = path.exists() or path.is_symlink()
    if there and not force:
        msg = f"{path} exists and is left as it is: --force overwrites it; or name another file."
        raise OptionError(msg)
    if not all(os.access(one, os.W_OK) for one in ((path, path.parent) if path.exists() else (path.parent,))):
        msg = f"{path} cannot be written: no permission. Choose another path."
        raise OptionError(msg)


def _write(path: Path, text: str) -> None:
    """Write beside the file and move it there: who reads it meanwhile sees the old one or the new one."""
    target = Path(os.path.realpath(path))  # a link stays a link
    half = target.with_name(f".trainsense-{os.getpid()}")
    try:
        half.write_text(text, encoding="utf-8", newline="\n")
        if target.exists():
            shutil.copymode(target, half)
        half.replace(target)
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def _install(template: Template) -> list[str]:
    if not template.extra or find_spec(template.extra) is not None:
        return []
    return [f"  pip install 'trainsense-diagnostics[{template.extra}]'"]
