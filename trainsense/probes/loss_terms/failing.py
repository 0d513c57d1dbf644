"""A loss that raises because of its targets: what they are, and what they may be."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from torch import Tensor
from torch.overrides import TorchFunctionMode

_CLASSES: Final = frozenset(["cross_entropy", "nll_loss"])
_BINARY: Final = frozenset(["binary_cross_entropy"])


class _Failing(TorchFunctionMode):
    """Keeps the arguments of the loss that raises."""

    text = ""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        try:
            return func(*args, **kwargs)
        except Exception:
            name = getattr(func, "__name__", "")
            by_name = [kwargs[key] for key in ("input", "target") if key in kwargs]
            scores, targets = [*args[:2], *by_name, None, None][:2]
            if isinstance(scores, Tensor) and isinstance(targets, Tensor) and scores.device.type == "cpu":
                self.text = _text(name, scores, targets, int(kwargs.get("ignore_index", -100)))
            raise


def out_of_range_targets(loss: Callable[[], object]) -> str:
    """Return a sentence on the targets that make `loss()` raise, empty if it does not raise because of them.

    Args:
        loss: computes the loss on the CPU; raises, presumably.
    """
    failing = _Failing()
    try:
        with failing:
            loss()
    except Exception:  # noqa: BLE001 - that it raises is what it is called for
        return failing.text
    return ""


def _text(name: str, scores: Tensor, targets: Tensor, ignored: int) -> str:
    if name in _BINARY and targets.numel():
        low, high = float(targets.min()), float(targets.max())
        if low < 0 or high > 1:
            return f"Its targets run from {low:.3g} to {high:.3g}; they stand for probabilities: map them to 0 and 1."
    if name not in _CLASSES or targets.is_floating_point() or scores.dim() == 0:
        return ""
    classes = scores.shape[1] if scores.dim() > 1 else scores.shape[0]
    labels = targets[targets != ignored]
    if not labels.numel() or (int(labels.min()) >= 0 and int(labels.max()) < classes):
        return ""
    low, high = int(labels.min()), int(labels.max())
    way_out = "count them from 0" if low == 1 and high == classes else "give the head an output for every class"
    return (
        f"Its labels run from {low} to {high}, but the head has {classes} classes, 0 to {classes - 1}: {way_out}, or name "
        "the label to be left out as ignore_index."
    )
