"""`Guarded`: a watcher whose own failure does not end the training that it watches."""

from collections.abc import Callable
from typing import Generic, TypeVar

from torch import nn
from torch.optim import Optimizer

from trainsense.runners.sequential import Watcher

_W = TypeVar("_W", bound=Watcher)


class Guarded(Generic[_W]):
    """Passes on what it sees until the watcher inside fails.

    Args:
        watcher: who looks on.
    """

    def __init__(self, watcher: _W) -> None:
        self._watcher = watcher
        self._error: Exception | None = None

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See the gradients of a step."""
        self._pass_on(self._watcher.after_backward, step, model, optimizer)

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:
        """See the parameters after the update of a step."""
        self._pass_on(self._watcher.after_update, step, model, optimizer)

    def watched(self) -> _W:
        """Return the watcher.

        Raises:
            Exception: what it failed with.
        """
        if self._error is not None:
            raise self._error
        return self._watcher

    def _pass_on(
        self, see: Callable[[int, nn.Module, Optimizer], None], step: int, model: nn.Module, optimizer: Optimizer
    ) -> None:
        if self._error is None:
            try:
                see(step, model, optimizer)
            except Exception as error:  # noqa: BLE001 - the training that is watched goes on
                self._error = error
