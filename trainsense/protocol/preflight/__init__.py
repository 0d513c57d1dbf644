"""Preflight: looks into the model, its batches and its first steps before anyone trains (PROTOCOL 8).

Each measurement is a file; all look at the same seed. One that fails on the user's model is missing with its reason, and
the others go on.
"""

import math
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import torch

from trainsense.batches import cloned
from trainsense.errors import BatchSourceError
from trainsense.probes.work import Work, work_of
from trainsense.protocol.preflight import (
    architecture,
    batch_overfit,
    constant_output,
    example_dependence,
    inner_softmax,
    input_dependence,
    input_scales,
    layers,
    loss_terms,
    parameters,
    regularization,
)
from trainsense.protocol.preflight.interface import Look, Measurement
from trainsense.records.evidence import BatchOverfit, Evidence, Missing, RegularizationCheck, WarmStart
from trainsense.runners.bench import Bench
from trainsense.runners.sequential import Watcher
from trainsense.runners.warm_start import warm_start
from trainsense.workload.seeding import random_state_kept
from trainsense.workload.user_traceback import described

__all__ = ["MEASUREMENTS", "Look", "Measurement", "Preflight", "preflight"]

MEASUREMENTS: Final[tuple[Measurement, ...]] = (
    input_scales.MEASUREMENT,
    parameters.MEASUREMENT,
    loss_terms.MEASUREMENT,
    inner_softmax.MEASUREMENT,
    constant_output.MEASUREMENT,
    input_dependence.MEASUREMENT,
    example_dependence.MEASUREMENT,
    regularization.MEASUREMENT,
    architecture.MEASUREMENT,
    layers.MEASUREMENT,
    batch_overfit.MEASUREMENT,
)
"""All measurements, in the order in which they are made."""
SECONDS: Final = 8.0
"""About what all measurements may take together, besides 100 training steps; told by the work that they are."""


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What preflight brings back.

    Attributes:
        evidence: one piece for each measurement, `Missing` with its reason where it failed.
        steps: optimizer steps that it took.
    """

    evidence: tuple[Evidence, ...]
    steps: int


def preflight(bench: Bench, seed: int, *, adaptive: bool, most_steps: float = math.inf) -> Preflight:
    """Look into the model of `seed` at initialisation and after a short warm start.

    Args:
        bench: the workload on its device.
        seed: of weights and batches.
        adaptive: whether the user's optimizer adapts its steps to the gradient's scale.
        most_steps: optimizer steps that it may take; the warm start is made all the same.

    Raises:
        BatchSourceError: the batch source raised.
    """
    with random_state_kept(), warnings.catch_warnings(), _uncompiled():
        warnings.simplefilter("ignore")
        watchers: dict[type[Evidence], Watcher] = {
            one.gives: one.watch(bench) for one in MEASUREMENTS if one.watch is not None
        }
        warmed = warm_start(bench, seed, adaptive=adaptive, watchers=tuple(watchers.values()))
        look = Look(
            bench=bench,
            work=_work(bench, seed),
            seed=seed,
            warm_start=warmed.record,
            warmed=warmed.model,
            seconds=SECONDS / max(1, len(MEASUREMENTS)),
            most_steps=most_steps - warmed.record.steps,
        )
        evidence: list[Evidence] = [warmed.record]
        evidence += [_measured(one, look, watchers.get(one.gives)) for one in MEASUREMENTS]
    return Preflight(evidence=tuple(evidence), steps=_steps(evidence))


def _work(bench: Bench, seed: int) -> Work | None:
    with random_state_kept():
        try:
            model = bench.fresh_model(seed)
            return work_of(lambda: bench.loss(model, cloned(bench.survey_batches[0])), bench.device)
        except Exception:  # noqa: BLE001 - a loss that fails is looked at by those that can say why
            return None


def _steps(evidence: Sequence[Evidence]) -> int:
    """Return the optimizer steps of the warm start, of its repetition and of learning one batch."""
    steps = 0
    for one in evidence:
        if isinstance(one, WarmStart) or (isinstance(one, RegularizationCheck) and one.loss_without is not None):
            steps += one.steps
        elif isinstance(one, BatchOverfit):
            steps += sum(attempt.steps for attempt in one.attempts)
    return steps


def _measured(measurement: Measurement, look: Look, watcher: Watcher | None) -> Evidence:
    look.free_memory()
    with random_state_kept():
        try:
            return measurement.measure(look, watcher)
        except BatchSourceError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the user's model does becomes the reason
            reason = f"this model could not be looked into: {described(error)}"
            return Missing(kind=measurement.gives.__name__, reason=reason, crashed=True)


def _uncompiled() -> AbstractContextManager[object]:
    """Return a context in which what the user compiled runs as it is written: nothing can look into compiled code."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
