"""The engine of several ranks that train each trial together, and what they cannot do."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from trainsense.batches import cloned, dense_parts, tensors_of
from trainsense.diagnosis.engine import ChosenEngine
from trainsense.errors import OptionError
from trainsense.executors.ranks import AllRanks
from trainsense.ranks.norms import is_sharded
from trainsense.ranks.ranks import Ranks
from trainsense.records.request import Request
from trainsense.runners.bench import Bench
from trainsense.workload.seeding import random_state_kept

SUITABLE: Final = ("auto", "sequential")
"""Engines that several ranks can be asked for: they train one trial after another, all of them each."""
SAME_BATCHES: Final = (
    "All ranks read the same batches, so that they do the same work {} times. If that is not meant, shard the data by rank: a "
    "DistributedSampler, or every {}th example from torch.distributed.get_rank() on."
)

OWN_GRADIENTS: Final = (
    "The ranks have different gradients after the backward pass, so that each trains a model of its own, unless your optimizer "
    "averages them. Wrap the model: DistributedDataParallel, or fully_shard."
)
SAME_FIGURE: Final = 1e-6
"""Relative difference of sums over the same numbers in another order."""


def check_engine(request: Request, ranks: Ranks) -> None:
    """Refuse an engine that has trials trained by one process each.

    Raises:
        OptionError: it was asked for.
    """
    if ranks.count > 1 and request.engine not in SUITABLE:
        msg = (
            f"--engine {request.engine} trains each trial in one process, and torchrun started {ranks.count} that train each "
            "trial together: leave --engine out, or torchrun."
        )
        raise OptionError(msg)


def engine_of_ranks(bench: Bench) -> ChosenEngine:
    """Return the one engine that applies, on rank 0."""
    why = f"{bench.ranks.count} ranks train each trial together (torchrun)"
    return ChosenEngine(executor=AllRanks(bench), why=why)


def remarks(bench: Bench, seed: int) -> list[str]:
    """Return what looks as if it were not meant: ranks that do the same work, or each its own; called on every rank."""
    if bench.ranks.count == 1:
        return []
    figures = [_figure(part) for _, one in tensors_of(bench.survey_batches) for part in dense_parts(one)]
    if _alike(bench.ranks.gathered(figures)):
        return [SAME_BATCHES.format(bench.ranks.count, bench.ranks.count)]
    with random_state_kept():
        model = bench.fresh_model(seed)
        bench.loss(model, cloned(bench.survey_batches[0])).backward()  # type: ignore[no-untyped-call]
    plain = [one.grad for one in model.parameters() if one.grad is not None and not is_sharded(one)]
    figures = [float(one.double().norm()) for one in plain if not one.is_sparse]
    return [] if _alike(bench.ranks.gathered(figures)) else [OWN_GRADIENTS]


def _alike(per_rank: Sequence[Sequence[float]]) -> bool:
    first = per_rank[0]
    return all(
        len(one) == len(first) and np.allclose(one, first, rtol=SAME_FIGURE, atol=0.0, equal_nan=True)
        for one in per_rank
    )


def _figure(part: torch.Tensor) -> float:
    """Return a number that differs where the values do, or their order."""
    values = part.detach().double().flatten().cpu()
    return float(torch.nan_to_num(values) @ torch.arange(1, values.numel() + 1, dtype=torch.float64))
