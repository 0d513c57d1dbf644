"""What layers and activations give, noted as they give it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainsense.batches import is_plain

_LAYERS: Final = frozenset(
    [
        "addmm",
        "mm",
        "bmm",
        "baddbmm",
        "addbmm",
        "linear",
        "convolution",
        "_convolution",
        "mkldnn_convolution",
        "convolution_overrideable",
        "embedding",
        "_embedding_bag",
        "index_select",
        "index",
        "gather",
        "mkldnn_rnn_layer",
        "_cudnn_rnn",
        "miopen_rnn",
        "_thnn_fused_lstm_cell",
        "_thnn_fused_gru_cell",
    ]
)
_RECTIFIERS: Final = frozenset(["relu", "leaky_relu", "threshold", "clamp_min", "rrelu_with_noise", "_prelu_kernel"])
"""Zero exactly, or never."""
_SMOOTH: Final = frozenset(["gelu", "silu", "elu", "celu", "mish", "hardswish", "softplus"])
_SQUASHERS: Final = frozenset(["sigmoid", "tanh", "hardsigmoid", "hardtanh"])
NEGLIGIBLE: Final = 1e-6
"""A smooth unit that gives no more than this is as dead as one that gives zero."""
_FAR_BELOW: Final = -1.0
"""Where smooth units of the ReLU family flatten out; one that gives zero nearer to zero still has a gradient."""
NEAR_LIMIT: Final = 0.05
"""Within this share of its limits a sigmoid or tanh is saturated (PROTOCOL 8)."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """Figures of one operation's result, still on its device.

    Attributes:
        squares: sum of its squares.
        count: numbers in it.
        spread: its variance across rows, mean over the rest; None with one row.
        inputs: of its tensor arguments by position, root mean square and variance across rows; None for what is none.
        alive: by axis (1 and -1), for each unit along it whether it gives anything for any example; None for layers.
        saturated: how many of its numbers lie near its limits, None where it has none.
        shape: its shape.
    """

    squares: Tensor
    count: int
    spread: Tensor | None
    inputs: tuple[tuple[Tensor, Tensor] | None, ...]
    alive: dict[int, Tensor] | None
    saturated: Tensor | None
    shape: tuple[int, ...]

    def alive_along(self, axis: int, units: int) -> Tensor | None:
        """Return, for each of `units` units along `axis`, whether it gives anything; None if there are not so many."""
        found = None if self.alive is None else self.alive.get(axis)
        return found if found is not None and found.numel() == units else None


class Forwards(TorchDispatchMode):
    """While entered, notes the results of layers and activations by autograd's numbers of them.

    The dispatcher calls an operation just after autograd has numbered it, whoever wrote the code that runs it.

    Attributes:
        given: figures by number.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.given: dict[int, Given] = {}
        self._numbered: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and note what it gives."""
        number = torch._C._autograd._get_sequence_nr() - 1  # noqa: SLF001
        name = func.overloadpacket.__name__.removesuffix("_")
        wanted = number not in self._numbered and (name in _LAYERS or _is_activation(name))
        self._numbered.add(number)
        if not wanted:
            return func(*args, **(kwargs or {}))
        read = tuple(_read(item, by_example="conv" in name) for item in args[:3]) if name in _LAYERS else ()
        low = args[0] > _FAR_BELOW if name in _SMOOTH else None
        result = func(*args, **(kwargs or {}))
        value = result[0] if isinstance(result, tuple) else result
        if _is_seen(value):
            alive = _alive(name, value, low, args) if _is_activation(name) else None
            self.given[number] = _given(name, value, read, alive)
        return result


def _is_seen(value: Any) -> bool:
    usable = isinstance(value, Tensor) and is_plain(value) and value.is_floating_point()
    return usable and value.dim() > 1 and value.numel() > 0


def _is_activation(name: str) -> bool:
    return name in _RECTIFIERS or name in _SMOOTH or name in _SQUASHERS


def _given(name: str, value: Tensor, read: tuple[tuple[Tensor, Tensor] | None, ...], alive: Tensor | None) -> Given:
    value = value.detach()
    shown = value if value.dtype in {torch.float32, torch.float64} else value.float()
    return Given(
        squares=shown.square().sum(),
        count=shown.numel(),
        spread=_spread(shown, by_example="conv" in name) if name in _LAYERS else None,
        inputs=read,
        alive=None if alive is None else dict(_along(alive)),
        saturated=_saturated(name, shown),
        shape=tuple(value.shape),
    )


def _read(item: Any, *, by_example: bool) -> tuple[Tensor, Tensor] | None:
    if not _is_seen(item):
        return None
    shown = item.detach()
    shown = shown if shown.dtype in {torch.float32, torch.float64} else shown.float()
    spread = _spread(shown, by_example=by_example)
    return shown.square().mean(), shown.new_zeros(()) if spread is None else spread


def _spread(value: Tensor, *, by_example: bool) -> Tensor | None:
    rows = value if by_example else value.reshape(-1, value.shape[-1])
    if rows.shape[0] < 2:
        return None
    variance: Tensor = rows.var(dim=0, unbiased=False)
    return variance.mean()


def _alive(name: str, value: Tensor, low: Tensor | None, args: tuple[Any, ...]) -> Tensor | None:
    if name in {"leaky_relu", "rrelu_with_noise", "_prelu_kernel"}:
        return None
    if name in _SQUASHERS:
        floor = args[1] if name == "hardtanh" and len(args) > 1 else None
        return value != 0 if floor == 0 else None
    alive = value.abs() > NEGLIGIBLE if low is not None else value != 0
    return alive if low is None else alive | low


def _along(alive: Tensor) -> Iterator[tuple[int, Tensor]]:
    yield -1, alive.reshape(-1, alive.shape[-1]).any(dim=0)
    yield 1, alive.transpose(0, 1).reshape(alive.shape[1], -1).any(dim=1)


def _saturated(name: str, value: Tensor) -> Tensor | None:
    if name in {"sigmoid", "hardsigmoid"}:
        return ((value - 0.5).abs() > 0.5 - NEAR_LIMIT).sum()
    return (value.abs() > 1 - NEAR_LIMIT).sum() if name == "tanh" else None
