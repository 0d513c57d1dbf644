"""What a loss gives the model: the first floating-point tensor of its outermost call, batch by batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import cloned
from trainsense.probes.structure import copied
from trainsense.workload.edits.interface import Example

_CHANNELS_FIRST: Final = (nn.Conv1d, nn.BatchNorm1d, nn.InstanceNorm1d)


@dataclass(frozen=True, kw_only=True)
class Entering:
    """The tensor that enters the model.

    Attributes:
        argument: its position among the arguments, or its name.
        tensors: its value for each batch.
        feature_axis: the axis along which features lie.
    """

    argument: int | str
    tensors: tuple[Tensor, ...]
    feature_axis: int

    @property
    def reduced_axes(self) -> tuple[int, ...]:
        """All other axes."""
        return tuple(axis for axis in range(self.tensors[0].dim()) if axis != self.feature_axis)

    def mean_and_std(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over all batches, one of each a feature, in double precision.

        Merged from those of the batches: Chan, Golub and LeVeque 1983, equation 1.5.
        """
        axes = self.reduced_axes
        counts = torch.tensor([one.numel() / one.shape[self.feature_axis] for one in self.tensors]).double()[:, None]
        means = torch.stack([one.float().mean(axes) for one in self.tensors]).cpu().double()
        variances = torch.stack([one.float().var(axes, correction=0) for one in self.tensors]).cpu().double()
        mean = (counts * means).sum(0) / counts.sum()
        variance = (counts * (variances + (means - mean) ** 2)).sum(0) / counts.sum()
        return mean, variance.sqrt()


class _EnteredError(Exception):
    """The model was called: no more of the loss is needed."""


def entering(model: nn.Module, example: Example) -> Entering | str:
    """Return what enters the model, or a sentence why there is nothing to normalise; the model is left as it was."""
    calls = [_call(copied(model), example, batch) for batch in example.batches]
    if any(call is None for call in calls):
        return "The loss does not call the model itself, so it is not seen what enters it."
    given = [call for call in calls if call is not None]
    argument = next((key for key, value in given[0].items() if _is_features(value)), None)
    if argument is None:
        return _why_none(given[0])
    tensors = tuple(call[argument].detach() for call in given)
    dims = tensors[0].dim()
    first = dims > 3 or (dims == 3 and _read_channels_first(copied(model), example, tensors[0]))
    return Entering(argument=argument, tensors=tensors, feature_axis=1 if first else dims - 1)


def _call(watched: nn.Module, example: Example, batch: Any) -> Mapping[int | str, Any] | None:
    """Return the arguments of the first call of the model itself."""
    seen: dict[int | str, Any] = {}

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.update(enumerate(args))
        seen.update(kwargs)
        raise _EnteredError

    watched.register_forward_pre_hook(note, with_kwargs=True)
    try:
        example.loss(watched, cloned(batch))
    except _EnteredError:
        return seen
    return None


def _is_features(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() >= 2


def _why_none(call: Mapping[int | str, Any]) -> str:
    tensors = [value for value in call.values() if isinstance(value, Tensor)]
    if not tensors:
        return "The model is not given a tensor as an argument of its own."
    if any(tensor.is_floating_point() for tensor in tensors):
        return "The model is given no floating-point tensor with a batch and a feature axis."
    return f"The inputs are integers ({tensors[0].dtype}), which stand for themselves."


def _read_channels_first(watched: nn.Module, example: Example, tensor: Tensor) -> bool:
    """Return whether a layer that takes channels second reads the inputs as they are."""
    found: list[bool] = []

    def note(_: nn.Module, args: tuple[Any, ...]) -> None:
        same = args and isinstance(args[0], Tensor) and args[0].shape == tensor.shape
        found.append(bool(same) and bool(torch.equal(args[0], tensor)))

    for module in watched.modules():
        if isinstance(module, _CHANNELS_FIRST):
            module.register_forward_pre_hook(note)
    example.first_loss(watched)
    return any(found)
