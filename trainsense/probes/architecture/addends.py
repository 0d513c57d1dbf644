"""How large the two operands of each sum are, and where it is made, noted while a loss is computed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from trainsense.probes.structure.users_files import current_line, shown

_ADDITIONS: Final = frozenset(["add", "add_", "__add__", "__iadd__", "__radd__"])


class Addends(TorchFunctionMode):
    """Notes the root mean square of both operands of the sums of two tensors of one shape, and the user's line."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[int, tuple[Tensor, Tensor]] = {}
        self._lines: dict[int, tuple[str, int]] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`; note the operands if it adds two tensors of one shape."""
        sizes = self._sizes(args) if getattr(func, "__name__", "") in _ADDITIONS else None
        result = func(*args, **(kwargs or {}))
        node = getattr(result, "grad_fn", None) if sizes is not None else None
        if sizes is not None and node is not None:
            number = int(node._sequence_nr())  # noqa: SLF001 - what the operations of a graph are told apart by
            self._seen[number] = sizes
            line = current_line()
            if line is not None:
                self._lines[number] = shown(line[0]), line[1]
        return result

    def line(self, number: int) -> tuple[str, int] | None:
        """Return file and line of the user's code that make the sum with autograd's number `number`."""
        return self._lines.get(number)

    def at(self, number: int) -> tuple[float, float] | None:
        """Return the sizes of the operands of the sum with autograd's number `number`, None if it was not seen."""
        sizes = self._seen.get(number)
        return None if sizes is None else (float(sizes[0]), float(sizes[1]))

    def _sizes(self, args: Sequence[Any]) -> tuple[Tensor, Tensor] | None:
        if len(args) < 2 or not all(isinstance(one, Tensor) and one.is_floating_point() for one in args[:2]):
            return None
        first, second = args[:2]
        if first.shape != second.shape or first.dim() < 2 or first.numel() == 0:
            return None
        with torch.no_grad(), torch._C.DisableTorchFunction():  # noqa: SLF001 - no note of the notes
            return _size(first), _size(second)


def _size(tensor: Tensor) -> Tensor:
    """Return the root mean square, in double precision where that exists."""
    wide = torch.float32 if tensor.device.type == "mps" else torch.float64
    return tensor.detach().to(wide).square().mean().sqrt()
