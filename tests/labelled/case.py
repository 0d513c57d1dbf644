"""`Case`: a workload, and what may and must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from trainsense import Workload

Score = Callable[[nn.Module, Any], float]
"""`(model in evaluation mode, batch) -> score`, higher is better, comparable between a workload and its twin."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One labelled workload.

    Args:
        name: unique.
        make: makes the workload.
        rules: the rules that name its one fault; empty for a sound workload.
        near: the rules whose fault a sound workload resembles.
        twin: the same workload without the fault, or without what resembles one; None where there is no such thing.
        score: how good a trained model is; None: by its training loss.
        steps: how many steps show the harm, or that it trains.
    """

    name: str
    make: Callable[[], Workload]
    rules: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    twin: Callable[[], Workload] | None = None
    score: Score | None = None
    steps: int = 250

    @property
    def faulty(self) -> bool:
        """Whether a rule has to speak."""
        return bool(self.rules)


def faulty(
    make: Callable[[], Workload],
    *rules: str,
    mended: Callable[[], Workload] | None = None,
    score: Score | None = None,
    steps: int = 250,
) -> Case:
    """Return the case of a workload with one fault, named after its function.

    Args:
        make: makes the workload.
        rules: any of them, at warning or above, names the fault.
        mended: makes the workload without the fault.
        score: how good a trained model is.
        steps: how many show the harm.
    """
    return Case(name=_name(make), make=make, rules=rules, twin=mended, score=score, steps=steps)


def sound(
    make: Callable[[], Workload],
    *near: str,
    plain: Callable[[], Workload] | None = None,
    score: Score | None = None,
    steps: int = 250,
) -> Case:
    """Return the case of a sound workload, named after its function.

    Args:
        make: makes the workload.
        near: the rules whose fault it resembles.
        plain: makes the workload without what resembles a fault; it must train no better.
        score: how good a trained model is.
        steps: how many show that it trains.
    """
    return Case(name=_name(make), make=make, near=near, twin=plain, score=score, steps=steps)


def _name(make: Callable[[], Workload]) -> str:
    return make.__name__.replace("_", " ")
