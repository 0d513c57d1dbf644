"""Batch normalisation that takes its statistics from the batch, and how much it has to take them from."""

import math
from typing import Final

from torch import Tensor, nn

from trainsense.probes.structure import LiveLoss
from trainsense.records.evidence import NormBatch

_BATCH_NORMS: Final = frozenset(["NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "BatchNormWithUpdate"])
_NO_BATCH_NORM: Final = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
"""Modules that normalise single examples, which torch computes as batch normalisation of one."""


def batch_norms(live: LiveLoss, examples: int) -> tuple[NormBatch, ...]:
    """Return the batch normalisation layers that normalise by the batch's own statistics, in the order of their calls.

    Args:
        live: the loss of one batch, of a model in training mode, not yet differentiated.
        examples: number of examples in the batch.
    """
    found: dict[str, NormBatch] = {}
    for index, op in enumerate(live.graph.ops):
        if op.kind not in _BATCH_NORMS or not getattr(live.nodes[index], "_saved_training", True):
            continue
        modules = list(live.graph.modules(index))
        single = op.shape[0] == 1 < examples
        if single or len(op.shape) < 2 or any(issubclass(call.module, _NO_BATCH_NORM) for call in modules):
            continue
        path = modules[0].path if modules else ""
        values = op.shape[0] * math.prod(op.shape[2:])
        read = live.saved(index, "input")
        alike = 0.0 if read is None else _resemblance(read)
        positions = values / op.shape[0]
        independent = values / (1.0 + (positions - 1.0) * alike)
        found.setdefault(path, NormBatch(module=path, examples=op.shape[0], values=values, independent=independent))
    return tuple(found.values())


def _resemblance(read: Tensor) -> float:
    """Return how alike the values of one example and channel are, 0 to 1: the intraclass correlation, over all channels.

    By analysis of variance (Fisher 1925, chapter 7), sums over channels taken before the quotient.
    """
    if read.dim() < 3 or len(read) < 2 or math.prod(read.shape[2:]) < 2:
        return 0.0
    values = read.flatten(2).float()
    positions = values.shape[2]
    between = float(positions * values.mean(2).var(0).sum())
    within = float(values.var(2).mean(0).sum())
    total = between + (positions - 1) * within
    return min(1.0, max(0.0, (between - within) / total)) if total > 0 and math.isfinite(total) else 0.0
