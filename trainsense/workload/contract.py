"""`Workload`: what the user supplies. Checked when it is made; run for the first time in the dry run."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.errors import WorkloadError
from trainsense.records.schedule import SCHEDULES
from trainsense.workload.written import note_call

type_of_autocast = (torch.float16, torch.bfloat16)


def default_optimizer(model: nn.Module, lr: float) -> Optimizer:
    """AdamW with torch's defaults over all parameters: what a workload without `optimizer` trains with."""
    return torch.optim.AdamW(model.parameters(), lr=lr)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How a model is built, fed, scored and optimised.

    Args:
        model: `() -> nn.Module`, a freshly initialised model; called under the trial's seed.
        data: `() -> Iterable[batch]`, training batches; called again whenever they run out.
        loss: `(model, batch) -> Tensor`, the scalar mean loss of one batch.
        optimizer: `(model, lr) -> Optimizer`; AdamW with torch's defaults if left out. Parameter groups whose
            own lr is a multiple of `lr` keep that ratio at every learning rate tried.
        eval_data: `() -> Iterable[batch]`, held-out batches, or None.
        metrics: `(model, batch) -> Mapping[str, Tensor]`, extra figures on `eval_data`, or None.
        lr: the learning rate used today, above 0, or None.
        schedule: today's schedule: a name from `trainsense.SCHEDULES` or `(step) -> factor`, or None (constant).
        clip_norm: today's gradient-clipping threshold (global L2 norm, above 0), or None.
        max_train_steps: planned length of the real run in optimizer steps, at least 1, or None.
        accumulate: batches per optimizer step, at least 1.
        autocast: dtype of the forward pass under autocast (float16 brings a GradScaler), or None.
        name: shown in reports; the file's stem if left out.

    Raises:
        WorkloadError: a field has the wrong type or range; the message names the field and what was found.
    """

    model: Callable[[], nn.Module]
    data: Callable[[], Iterable[Any]]
    loss: Callable[[nn.Module, Any], Tensor]
    optimizer: Callable[[nn.Module, float], Optimizer] = default_optimizer
    eval_data: Callable[[], Iterable[Any]] | None = None
    metrics: Callable[[nn.Module, Any], Mapping[str, Tensor]] | None = None
    lr: float | None = None
    schedule: str | Callable[[int], float] | None = None
    clip_norm: float | None = None
    max_train_steps: int | None = None
    accumulate: int = 1
    autocast: torch.dtype | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Check every field once, so that nothing long starts on a malformed workload."""
        _check_factory("model", self.model, 0, "def build_model(): return nn.Linear(2, 1)")
        _check_factory("data", self.data, 0, "def batches(): return DataLoader(dataset, batch_size=32, shuffle=True)")
        _check_factory("loss", self.loss, 2, "def loss(model, batch): ...")
        _check_factory(
            "optimizer", self.optimizer, 2, "def optimizer(model, lr): return SGD(model.parameters(), lr=lr)"
        )
        if self.eval_data is not None:
            _check_factory("eval_data", self.eval_data, 0, "def eval_batches(): return DataLoader(held_out)")
        if self.metrics is not None:
            _check_factory("metrics", self.metrics, 2, "def metrics(model, batch): return {'accuracy': ...}")
            if self.eval_data is None:
                msg = "Workload.metrics needs eval_data: metrics are figures on held-out batches. Give eval_data or drop metrics."
                raise WorkloadError(msg)
        _check_positive_number("lr", self.lr)
        _check_positive_number("clip_norm", self.clip_norm)
        _check_count("max_train_steps", self.max_train_steps)
        if self.accumulate is None:
            msg = "Workload.accumulate must be a whole number of at least 1, not None."
            raise WorkloadError(msg)
        _check_count("accumulate", self.accumulate)
        _check_schedule(self.schedule)
        if self.autocast is not None and self.autocast not in type_of_autocast:
            msg = f"Workload.autocast must be torch.float16, torch.bfloat16 or None, not {self.autocast!r}."
            raise WorkloadError(msg)
        if self.name is not None and (not isinstance(self.name, str) or not self.name.strip()):
            msg = f"Workload.name must be a non-empty string or None, not {self.name!r}."
            raise WorkloadError(msg)
        note_call(self)


def _check_factory(field: str, value: object, arguments: int, example: str) -> None:
    if not callable(value):
        hint = {
            "model": " Wrap it in a function that builds a fresh one: every trial starts from new weights.",
            "data": " Wrap it in a function: it is called again whenever the batches run out.",
            "eval_data": " Wrap it in a function: it is called again at every evaluation.",
        }.get(field, "")
        msg = f"Workload.{field} must be a function, not {_described(value)}.{hint} Example: {example}"
        raise WorkloadError(msg)
    if field == "model" and isinstance(value, nn.Module):
        msg = (
            f"Workload.model must be a function that builds the model, not the model itself ({type(value).__name__}): "
            f"every trial starts from new weights. Example: {example}"
        )
        raise WorkloadError(msg)
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return  # a builtin without a signature: the dry run will tell
    try:
        signature.bind(*range(arguments))
    except TypeError as error:
        takes = "no arguments" if arguments == 0 else f"{arguments} arguments"
        msg = f"Workload.{field} must accept {takes}: {getattr(value, '__name__', value)}{signature} does not ({error}). Example: {example}"
        raise WorkloadError(msg) from None


def _check_positive_number(field: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"Workload.{field} must be a number above 0 or None, not {_described(value)}."
        raise WorkloadError(msg)
    if not math.isfinite(value) or value <= 0:
        msg = f"Workload.{field} must be finite and above 0, not {value}."
        raise WorkloadError(msg)


def _check_count(field: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"Workload.{field} must be a whole number of at least 1, not {_described(value)}."
        raise WorkloadError(msg)


def _check_schedule(schedule: object) -> None:
    if schedule is None:
        return
    if isinstance(schedule, str):
        if schedule not in SCHEDULES:
            close = get_close_matches(schedule, SCHEDULES, n=1, cutoff=0.4)
            guess = f" Did you mean {close[0]!r}?" if close else ""
            msg = f"Workload.schedule {schedule!r} is not a known schedule: {', '.join(SCHEDULES)}.{guess}"
            raise WorkloadError(msg)
        return
    _check_factory("schedule", schedule, 1, "schedule=lambda step: 0.99 ** step")


def _described(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} ({text if len(text) <= 60 else text[:57] + '...'})"
