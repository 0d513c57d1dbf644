"""The engine of several ranks that train each trial together, and what they cannot do."""

from typing import Final

import torch

from trainsense.batches import dense_parts, tensors_of
from trainsense.diagnosis.engine import ChosenEngine
from trainsense.errors import OptionError
from trainsense.executors.ranks import AllRanks
from trainsense.ranks.ranks import Ranks
from trainsense.records.request import Request
from trainsense.runners.bench import Bench

SUITABLE: Final = ("auto", "sequential")
"""Engines that several ranks can be asked for: they train one trial after another, all of them each."""
SAME_BATCHES: Final = (
    "All ranks read the same batches, so that they do the same work {} times. If that is not meant, shard the data by rank: a "
    "DistributedSampler, or every {}th example from torch.distributed.get_rank() on."
)


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


def shared_batches(bench: Bench) -> str:
    """Return a warning where all ranks read the same batches, else an empty text; called on every rank."""
    figures = [_figure(part) for _, one in tensors_of(bench.survey_batches) for part in dense_parts(one)]
    per_rank = bench.ranks.gathered(figures)
    alike = all(one == per_rank[0] for one in per_rank)
    return SAME_BATCHES.format(bench.ranks.count, bench.ranks.count) if alike and bench.ranks.count > 1 else ""


def _figure(part: torch.Tensor) -> float:
    """Return a number that differs where the values do, or their order."""
    values = part.detach().double().flatten().cpu()
    return float(torch.nan_to_num(values) @ torch.arange(1, values.numel() + 1, dtype=torch.float64))
