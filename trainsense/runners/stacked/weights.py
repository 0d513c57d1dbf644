"""The parameters of all trials of a stack, with their gradients and what the optimizer remembers of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

from trainsense.runners.stacked.optimizers import StackedOptimizer
from trainsense.runners.stacked.refusal import UnstackableError
from trainsense.runners.stacked.updates import RULES, State, Update


@dataclass(kw_only=True)
class _Block:
    """Parameters of one group and dtype, side by side: few operations on long rows are cheaper than many on short ones.

    Attributes:
        group: index of the optimizer's group, None where no optimizer updates them.
        names: of the parameters.
        shapes: of each in a single model.
        weights: shape `(trials, scalars)`.
        gradient: likewise.
        before: the weights before the last update.
        state: what the optimizer remembers.
    """

    group: int | None
    names: list[str]
    shapes: list[torch.Size]
    weights: Tensor
    gradient: Tensor
    before: Tensor
    state: State = field(default_factory=dict)

    def leaves(self) -> dict[str, Tensor]:
        """Return each parameter as a leaf of shape `(trials, *shape)` that shares memory with `weights`."""
        parts = torch.split(self.weights, [shape.numel() for shape in self.shapes], dim=1)
        return {
            name: part.view(len(part), *shape).detach().requires_grad_()
            for name, shape, part in zip(self.names, self.shapes, parts, strict=True)
        }


class StackedWeights:
    """Trainable parameters with a leading dimension of trials.

    Args:
        models: the fresh model of each seed, equal but for their values.
        seeds: index into `models` by trial.
        optimizer: says which parameters are updated together.
        idle: names of trainable parameters that get no gradient; they stay as they are.
    """

    def __init__(
        self, models: Sequence[nn.Module], seeds: Sequence[int], optimizer: StackedOptimizer, idle: frozenset[str]
    ) -> None:
        self._optimizer: Final = optimizer
        self._idle: Final = idle
        self.count = len(seeds)
        self._blocks = _blocks(models, seeds, optimizer, idle)
        resting = [{name: one for name, one in model.named_parameters() if name in idle} for model in models]
        self._resting = {name: torch.stack([one[name].detach() for one in resting])[list(seeds)] for name in idle}
        self._share()

    def _share(self) -> None:
        """Make the leaves anew from the blocks."""
        self.leaves: dict[str, Tensor] = {}
        for block in self._blocks:
            self.leaves |= block.leaves()
        self.leaves |= {name: value.detach().requires_grad_() for name, value in self._resting.items()}

    def take(self, gradients: Mapping[str, Tensor | None], *, add: bool) -> None:
        """Take these gradients, by name; `add` them to those at hand.

        Raises:
            UnstackableError: other parameters than before get a gradient.
        """
        used = {
            name for name, one in gradients.items() if one is not None and (name not in self._idle or bool(one.any()))
        }
        if used != self.leaves.keys() - self._idle:
            msg = "which parameters get a gradient changes from step to step"
            raise UnstackableError(msg)
        for block in self._blocks:
            parts = [_dense(gradients[name]).flatten(1) for name in block.names]
            if add or block.group is None:  # no optimizer sets these to zero: they add up from step to step
                block.gradient += torch.cat(parts, dim=1)
            else:
                torch.cat(parts, dim=1, out=block.gradient)

    def gradient_norm(self) -> Tensor:
        """Return the L2 norm of each trial's gradient, shape `(trials,)`."""
        return _norm([block.gradient for block in self._blocks])

    def scale_gradient(self, factors: Tensor) -> None:
        """Multiply each trial's gradient by its factor, shape `(trials,)`."""
        for block in self._blocks:
            block.gradient *= factors.to(block.gradient.dtype)[:, None]

    def update(self, number: int, lrs: Sequence[Tensor], weight_decays: Sequence[Tensor | None]) -> None:
        """Let the optimizer step.

        Args:
            number: of the step, from 1.
            lrs: by group, each of shape `(trials,)`.
            weight_decays: likewise, None where all are 0.
        """
        rule = RULES[self._optimizer.kind]
        for block in self._blocks:
            block.before.copy_(block.weights)
            if block.group is None:
                continue
            decay = weight_decays[block.group]
            update = Update(
                number=number,
                lr=lrs[block.group][:, None],
                weight_decay=None if decay is None else decay[:, None],
                options=self._optimizer.groups[block.group].options,
            )
            rule(block.weights, block.gradient, block.state, update)

    def change_norms(self) -> tuple[Tensor, Tensor]:
        """Return the norms of all weights before the last update and of their change, each of shape `(trials,)`."""
        before = _norm([*(block.before for block in self._blocks), *(one.flatten(1) for one in self._resting.values())])
        for block in self._blocks:
            block.before -= block.weights
        return before, _norm([block.before for block in self._blocks])

    def keep(self, rows: Tensor) -> None:
        """Keep the trials at these indices only."""
        self.count = len(rows)
        for block in self._blocks:
            block.weights = block.weights[rows]  # one after another: there is room for one copy at a time
            block.gradient = block.gradient[rows]
            block.before = block.before[rows]
            for name in block.state:
                block.state[name] = block.state[name][rows]
        self._resting = {name: value[rows] for name, value in self._resting.items()}
        self._share()

    def load(self, row: int, into: Mapping[str, Tensor]) -> None:
        """Copy one trial's parameters into a model's, given by name."""
        names = list(self.leaves)
        with torch.no_grad():
            torch._foreach_copy_([into[name] for name in names], [self.leaves[name][row] for name in names])


def _blocks(
    models: Sequence[nn.Module], seeds: Sequence[int], optimizer: StackedOptimizer, idle: frozenset[str]
) -> list[_Block]:
    group_of = {id(one): index for index, group in enumerate(optimizer.groups) for one in group.parameters}
    places: dict[tuple[int | None, torch.dtype], list[str]] = {}
    shapes = {}
    for name, parameter in models[0].named_parameters():
        if parameter.requires_grad and name not in idle:
            places.setdefault((group_of.get(id(parameter)), parameter.dtype), []).append(name)
            shapes[name] = parameter.shape
    values = [dict(model.named_parameters()) for model in models]
    blocks = []
    for (group, _), names in places.items():
        rows = torch.stack([torch.cat([one[name].detach().reshape(-1) for name in names]) for one in values])
        weights = rows[list(seeds)]
        blocks.append(
            _Block(
                group=group,
                names=names,
                shapes=[shapes[name] for name in names],
                weights=weights,
                gradient=torch.zeros_like(weights),
                before=torch.empty_like(weights),
            )
        )
    return blocks


def _dense(gradient: Tensor | None) -> Tensor:
    assert gradient is not None
    if gradient.is_sparse:
        msg = "its gradients are sparse"
        raise UnstackableError(msg)
    return gradient


def _norm(rows: Sequence[Tensor]) -> Tensor:
    """Return the L2 norm over all of `rows`, each of shape `(trials, scalars)`."""
    wide = torch.float32 if rows[0].device.type == "mps" else torch.float64
    norms: list[Tensor] = [torch.linalg.vector_norm(one, dim=1) for one in rows]
    if len(norms) == 1:
        return norms[0].to(wide)
    total: Tensor = torch.linalg.vector_norm(torch.stack([one.to(wide) for one in norms]), dim=0)
    return total
