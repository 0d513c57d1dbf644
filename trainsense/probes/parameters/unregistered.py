"""Tensors that get a gradient and are no parameters of the model: layers kept in a plain list, made anew in forward."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.parameters.held import held_tensors
from trainsense.probes.structure import LiveLoss, copied
from trainsense.probes.structure.kinds import LEAF
from trainsense.records.evidence import UnregisteredParameter


def unregistered(
    live: LiveLoss, loss: Callable[[nn.Module], Tensor], optimizer: Callable[[nn.Module], Optimizer]
) -> tuple[UnregisteredParameter, ...]:
    """Return what gets a gradient from a loss without being one of the model's parameters.

    Inputs that require a gradient are told apart by computing the loss once more: what the model keeps is used again,
    inputs are others. What is not used again counts as a parameter made anew if it is a `torch.nn.Parameter`.

    Args:
        live: a loss; its model is run again.
        loss: computes it again, from another copy of its batch.
        optimizer: builds the user's optimizer for a model.
    """
    leaves = {
        index: live.nodes[index].variable
        for index, op in enumerate(live.graph.ops)
        if op.kind == LEAF and not op.parameter
    }
    if not leaves:
        return ()
    with torch.enable_grad():
        again = loss(live.model)
    used_again = _leaf_ids(again.grad_fn)
    kept = {
        index: id(leaf) not in used_again
        for index, leaf in leaves.items()
        if id(leaf) in used_again or isinstance(leaf, nn.Parameter)
    }
    if not kept:
        return ()
    gradients = torch.autograd.grad(live.loss, [leaves[index] for index in kept], retain_graph=True, allow_unused=True)
    lively = [index for index, one in zip(kept, gradients, strict=True) if one is not None and bool(one.any())]
    held = held_tensors(optimizer(live.model))
    within: dict[int, Any] = {}
    copied(live.model, within)
    return tuple(
        _described(live, index, leaves[index], renewed=kept[index], held=held, within=within) for index in lively
    )


def _described(
    live: LiveLoss, index: int, leaf: Tensor, *, renewed: bool, held: dict[int, Tensor], within: dict[int, Any]
) -> UnregisteredParameter:
    user = next(iter(live.graph.users[index]), None)
    call = None if user is None else live.graph.ops[user].call
    place = None if user is None else live.line(user)
    return UnregisteredParameter(
        shape=tuple(leaf.shape),
        size=leaf.numel(),
        module="" if call is None else live.graph.calls[call].path,
        within_model=(renewed and call is not None) or id(leaf) in within,
        renewed=renewed,
        held=id(leaf) in held,
        file=place[0] if place else "",
        line=place[1] if place else None,
    )


def _leaf_ids(root: Any) -> set[int]:
    found: set[int] = set()
    seen: set[Any] = {root}
    stack = [root]
    while stack:
        node = stack.pop()
        if (variable := getattr(node, "variable", None)) is not None:
            found.add(id(variable))
        for source, _ in node.next_functions if node is not None else ():
            if source is not None and source not in seen:
                seen.add(source)
                stack.append(source)
    return found
