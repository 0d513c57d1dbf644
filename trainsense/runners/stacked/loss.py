"""The user's loss on all trials of a stack at once, and its gradients."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from trainsense.batches import map_tensors
from trainsense.runners.stacked.compiling import Evaluate, compiled
from trainsense.runners.stacked.dropout import SameMasks
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.workload.seeding import RandomState

_warn_of_calls_one_by_one: Final[Callable[[bool], None]] = torch._C._functorch._set_vmap_fallback_warning_enabled  # type: ignore[attr-defined] # noqa: SLF001
Loss = Callable[[nn.Module, Any], Tensor]
Tensors = dict[str, Tensor]
Own = list[Tensor]
After = tuple[Tensor, Tensors]


class _Held(nn.Module):
    """A model whose forward pass is a loss, since a loss may call its model in any way."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss: Loss, batch: Any) -> Tensor:
        """Return the loss."""
        return loss(self.model, batch).reshape(())


class StackedLoss:
    """Evaluates a loss of one model on many sets of parameters.

    Args:
        model: the template; whatever is not carried is the same for all trials.
        carried: buffers and frozen parameters that differ from trial to trial, each of shape `(trials, *shape)`.
        draws: whether the loss draws random numbers.
        compiled_for: the device for which torch compiles what is differentiated, None for not compiled.
    """

    def __init__(
        self, model: nn.Module, carried: Tensors, *, draws: bool, compiled_for: torch.device | None = None
    ) -> None:
        self._held: Final = _Held(model)
        self._model: Final = model
        self._draws: Final = draws
        self._recurrent: Final = any(isinstance(module, nn.RNNBase) for module in model.modules())
        self._inside: bool | None = None
        self._compiled: Final = None if compiled_for is None else compiled(_evaluated, compiled_for)
        self.carried = carried

    def values(self, loss: Loss, parameters: Tensors, batch: Any) -> Tensor:
        """Return the loss of each trial on the same batch, shape `(trials,)`, without gradients."""
        with torch.no_grad():
            return self._all(_evaluated, loss, batch, parameters, [])

    def gradients(
        self, loss: Loss, parameters: Tensors, batch: Any, tensors: list[Tensor], share: float
    ) -> tuple[Tensor, Mapping[str, Tensor | None]]:
        """Return the loss of each trial, shape `(trials,)`, and its gradients times `share`, None where there is none.

        Args:
            loss: the mean loss of one batch.
            parameters: leaves by name, each of shape `(trials, *shape)`.
            batch: the same for all trials.
            tensors: where not empty, takes the place of the batch's tensors, in order, each of shape `(trials, *shape)`.
            share: 1 over the batches of an optimizer step.

        Raises:
            UnstackableError: a buffer that seemed constant is replaced.
        """
        if self._inside is None:
            return self._first(loss, parameters, batch, tensors, share)
        differentiate = self._differentiated_inside if self._inside else self._differentiated
        return differentiate(loss, parameters, batch, tensors, share)

    @property
    def evaluates(self) -> bool:
        """Whether the loss can be evaluated for all trials without being differentiated."""
        return self._inside is False

    def _first(
        self, loss: Loss, parameters: Tensors, batch: Any, tensors: list[Tensor], share: float
    ) -> tuple[Tensor, Mapping[str, Tensor | None]]:
        """Differentiate all trials' losses together, or each inside the map, which is slower and does for more operations.

        Those that torch composes of others, recurrent layers for one, have no rule of their own for a map.
        """
        state, carried = RandomState.capture(), {name: value.clone() for name, value in self.carried.items()}
        try:
            found = self._differentiated(loss, parameters, batch, tensors, share)
        except Exception:  # torch tells what it cannot map by various errors; the user's own come again
            if self._compiled is not None:
                raise
            state.restore()
            self.carried = carried
            found = self._differentiated_inside(loss, parameters, batch, tensors, share)
            self._inside = True
        else:
            self._inside = False
        return found

    def _differentiated(
        self, loss: Loss, parameters: Tensors, batch: Any, tensors: list[Tensor], share: float
    ) -> tuple[Tensor, Mapping[str, Tensor | None]]:
        losses = self._all(self._compiled or _evaluated, loss, batch, parameters, tensors)
        total = losses.sum() if share == 1 else (losses * share).sum()
        found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
        losses = losses.detach()
        return losses if self._compiled is None else losses.clone(), dict(zip(parameters, found, strict=True))

    def _differentiated_inside(
        self, loss: Loss, parameters: Tensors, batch: Any, tensors: list[Tensor], share: float
    ) -> tuple[Tensor, Mapping[str, Tensor | None]]:
        evaluate = _one(self._held, loss, batch)

        def scaled(weights: Tensors, buffers: Tensors, own: list[Tensor]) -> tuple[Tensor, tuple[Tensor, Tensors]]:
            value, after = evaluate(weights, buffers, own)
            return value * share, (value, after)

        def one(weights: Tensors, buffers: Tensors, own: list[Tensor]) -> tuple[Tensor, Tensors, Tensors]:
            gradients, (value, after) = grad(scaled, has_aux=True)(weights, buffers, own)
            return value, after, gradients

        leaves = {name: value.detach() for name, value in parameters.items()}
        losses, _, gradients = self._kept_as_alone(
            lambda buffers: vmap(one, randomness="same")(leaves, buffers, tensors)
        )
        return losses, gradients

    def _all(self, evaluate: Evaluate, loss: Loss, batch: Any, parameters: Tensors, tensors: list[Tensor]) -> Tensor:
        losses: Tensor = self._kept_as_alone(
            lambda buffers: evaluate(self._held, loss, batch, parameters, buffers, tensors)
        )[0]
        return losses

    def _kept_as_alone(self, evaluate: Callable[[Tensors], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Evaluate all trials, given their buffers; keep what became of these: the second of what is returned."""
        shared = {name: buffer for name, buffer in self._model.named_buffers() if name not in self.carried}
        present = {name for name, _ in (*self._model.named_buffers(), *self._model.named_parameters())}
        buffers = {name: value for name, value in self.carried.items() if name in present}  # a probe takes some away
        with _as_alone(draws=self._draws, recurrent=self._recurrent):
            found = evaluate(buffers)
        self.carried |= {name: value.detach() for name, value in found[1].items()}
        self._check(shared)
        return found

    def _check(self, shared: Tensors) -> None:
        now = dict(self._model.named_buffers())
        for name, buffer in shared.items():
            if now.get(name) is not buffer:
                path, _, last = name.rpartition(".")
                setattr(self._model.get_submodule(path), last, buffer)
                msg = f"the buffer {name} is replaced now and then"
                raise UnstackableError(msg)

    def keep(self, rows: Tensor) -> None:
        """Keep the trials at these indices only."""
        self.carried = {name: value[rows] for name, value in self.carried.items()}

    def load(self, row: int) -> None:
        """Copy one trial's carried tensors into the template."""
        places = dict(self._model.named_buffers()) | dict(self._model.named_parameters())
        with torch.no_grad():
            for name, value in self.carried.items():
                places[name].copy_(value[row])


def _one(held: _Held, loss: Loss, batch: Any) -> Callable[[Tensors, Tensors, list[Tensor]], tuple[Tensor, Tensors]]:
    """Return a single trial's loss as a function of its parameters, buffers and tensors of the batch."""

    def one(weights: Tensors, buffers: Tensors, own: Own) -> After:  # torch cannot compile list[Tensor]
        given = {f"model.{name}": value for name, value in (weights | buffers).items()}
        value = functional_call(held, given, (loss, _with_tensors(batch, own) if own else batch))
        return value, {name: given[f"model.{name}"] for name in buffers}

    return one


def _evaluated(
    held: _Held, loss: Loss, batch: Any, parameters: Tensors, buffers: Tensors, tensors: list[Tensor]
) -> tuple[Tensor, Tensors]:
    """Return the loss of each trial, and what became of its buffers."""
    found: tuple[Tensor, Tensors] = vmap(_one(held, loss, batch), randomness="same")(parameters, buffers, tensors)
    return found


@contextmanager
def _as_alone(*, draws: bool, recurrent: bool) -> Iterator[None]:
    """Draw masks as a single model does, and keep away from fused kernels that a map can only call trial by trial.

    Those are attention's, and the recurrent layers of oneDNN and cuDNN; what else is called so is no reason to warn the user.
    """
    onednn, cudnn = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()  # noqa: SLF001 - the public context warns
    with sdpa_kernel(SDPBackend.MATH), SameMasks() if draws else nullcontext():
        torch._C._set_mkldnn_enabled(onednn and not recurrent)  # noqa: SLF001
        torch._C._set_cudnn_enabled(cudnn and not recurrent)  # noqa: SLF001
        _warn_of_calls_one_by_one(False)
        try:
            yield
        finally:
            torch._C._set_mkldnn_enabled(onednn)  # noqa: SLF001
            torch._C._set_cudnn_enabled(cudnn)  # noqa: SLF001
            _warn_of_calls_one_by_one(True)


def _with_tensors(batch: Any, tensors: list[Tensor]) -> Any:
    waiting = iter(tensors)
    return map_tensors(batch, lambda _: next(waiting), lambda item: item)
