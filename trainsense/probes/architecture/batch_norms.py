"""Batch normalisation that takes its statistics from the batch, and how much it has to take them from."""

from typing import Final

from torch import nn

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
        values = op.shape[0]
        for length in op.shape[2:]:
            values *= length
        found.setdefault(path, NormBatch(module=path, examples=op.shape[0], values=values))
    return tuple(found.values())
