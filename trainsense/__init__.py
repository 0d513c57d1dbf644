"""trainsense: find out why a PyTorch training is unstable or slow, and try the fix.

Nothing is imported before it is asked for: `trainsense --help` must not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainsense.api import check_instability, diagnose, pick_clip, preflight, sweep_lr, sweep_warmup
    from trainsense.records.schedule import SCHEDULES
    from trainsense.workload.contract import Workload

    __version__: str

__all__ = [
    "SCHEDULES",
    "Workload",
    "__version__",
    "check_instability",
    "diagnose",
    "pick_clip",
    "preflight",
    "sweep_lr",
    "sweep_warmup",
]

_HOMES = {
    "SCHEDULES": "trainsense.records.schedule",
    "Workload": "trainsense.workload.contract",
    "check_instability": "trainsense.api",
    "diagnose": "trainsense.api",
    "pick_clip": "trainsense.api",
    "preflight": "trainsense.api",
    "sweep_lr": "trainsense.api",
    "sweep_warmup": "trainsense.api",
}


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - costs more than all the rest

    try:
        return version("trainsense-diagnostics")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        return _installed_version()
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
