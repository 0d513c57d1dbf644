"""The workload bound to a name in a module: found, called where it is a function, checked."""

import inspect
from collections.abc import Callable
from types import ModuleType

from torch import nn

from trainsense.errors import WorkloadError
from trainsense.workload.contract import Workload
from trainsense.workload.target import DEFAULT_ATTRIBUTE, Target
from trainsense.workload.user_traceback import user_code

EXAMPLE = "workload = Workload(model=..., data=..., loss=...)"
LONGEST_VALUE = 60


def workload_bound(module: ModuleType, address: Target) -> Workload:
    """Return the workload that the module binds to the address's name.

    Raises:
        WorkloadError: no such name, or something else than a workload or a function that returns one.
        UserCodeError: the function raised.
    """
    where = f"{address.source}:{address.attribute}"
    if not hasattr(module, address.attribute):
        raise WorkloadError(_nothing_bound(module, address))
    value: object = getattr(module, address.attribute)
    if isinstance(value, Workload):
        return value
    if not callable(value) or isinstance(value, (type, nn.Module)):
        msg = f"{where} is {_described(value)}, not a Workload or a function that returns one. Bind one: {EXAMPLE}"
        raise WorkloadError(msg)
    _check_no_arguments(where, value)
    with user_code(f"{where}()"):
        made = value()
    if not isinstance(made, Workload):
        end = "return Workload(model=..., data=..., loss=...)"
        msg = f"{where}() returned {_described(made)}, not a Workload. End the function with: {end}"
        raise WorkloadError(msg)
    return made


def _nothing_bound(module: ModuleType, address: Target) -> str:
    others = sorted(name for name, value in vars(module).items() if isinstance(value, Workload))
    missing = f"{address.source} has no attribute {address.attribute!r}."
    if others:
        return f"{missing} Workloads found in it: {', '.join(others)}. Name one: {address.source}:{others[0]}"
    how = f"Bind one there: {DEFAULT_ATTRIBUTE} = Workload(...)" if address.attribute == DEFAULT_ATTRIBUTE else EXAMPLE
    return f"{missing} No Workload was found in it. {how}"


def _check_no_arguments(where: str, function: Callable[..., object]) -> None:
    try:
        signature = inspect.signature(function)
        signature.bind()
    except ValueError:
        return  # a builtin without a signature: calling it will tell
    except TypeError as error:
        way_out = "A workload function is called without any: give them defaults."
        msg = f"{where} is a function that needs arguments ({error}). {way_out}"
        raise WorkloadError(msg) from None


def _described(value: object) -> str:
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} ({text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + '...'})"
