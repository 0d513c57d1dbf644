"""Python source of rewritten forwards, to be executed here and pasted by the user."""

import builtins
import importlib
import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.nn import functional

from trainsense.workload.edits.interface import as_tuple
from trainsense.workload.edits.own_forward import OwnForward, UntraceableError

_RELEASES = re.compile(r";  (?:\w+ = )+None$", re.MULTILINE)
_PUBLIC = re.compile(r"torch\._C\._nn\.(\w+)")
_HEAD = re.compile(r"def forward\((.*)\).*:$", re.MULTILINE)


def forward_code(forwards: Sequence[OwnForward]) -> str:
    """Return code that gives the modules of `model` their new forwards, by one new class for all of equal source.

    A class, not an attribute of each module: a module that holds a method of its own holds itself, and with it memory.

    Raises:
        UntraceableError: a graph calls something that cannot be imported by name.
    """
    groups: dict[tuple[type[nn.Module], str], list[str]] = defaultdict(list)
    for one in forwards:
        groups[one.module, _source(one)].append(one.path)
    return "\n\n".join(_class(kind, source, paths) for (kind, source), paths in groups.items())


def _class(kind: type[nn.Module], source: str, paths: list[str]) -> str:
    name = kind.__name__ if kind.__name__.isidentifier() else "Block"
    return (
        f"class {name}(type(model.get_submodule({json.dumps(paths[0])}))):\n"
        f"{textwrap.indent(source, '    ')}"
        "\n\n"
        f"for name in {as_tuple(tuple(paths))}:\n"
        f"    model.get_submodule(name).__class__ = {name}\n"
    )


def _source(one: OwnForward) -> str:
    code = one.graph.python_code("self")
    body = _PUBLIC.sub(_public, _RELEASES.sub("", code.src).strip())
    imports = "".join(f"\n    {line}" for line in _imports(body, code.globals))
    checks = "".join(f"\n    assert {name} {_equals(value)}" for name, value in one.fixed.items())
    return _HEAD.sub(lambda match: f"def forward({match[1]}):{imports}{checks}", body, count=1) + "\n"


def _public(match: re.Match[str]) -> str:
    """Return the documented name of a function that fx knows by torch's internal one."""
    return f"torch.nn.functional.{match[1]}" if hasattr(functional, match[1]) else match[0]


def _equals(value: object) -> str:
    return f"is {value!r}" if value is None or isinstance(value, bool) else f"== {value!r}"


def _imports(body: str, names: Mapping[str, Any]) -> list[str]:
    """Return the import lines that `body` needs, besides torch."""
    lines = []
    for name, value in names.items():
        if name == "torch" or hasattr(builtins, name) or not re.search(rf"(?<![\w.]){re.escape(name)}\b", body):
            continue
        lines.append(_import(name, value))
    return lines


def _import(name: str, value: Any) -> str:
    if name in {"inf", "nan"}:
        return f"from math import {name}"
    module, own = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if module is None and getattr(value, "__name__", None) and not own:
        return f"import {value.__name__} as {name}"
    try:
        found = getattr(importlib.import_module(str(module)), own)
    except (ImportError, AttributeError):
        found = None
    if found is not value:
        msg = f"calls {name}, which cannot be imported by name"
        raise UntraceableError(msg)
    return f"from {module} import {own}" if own == name else f"from {module} import {own} as {name}"
