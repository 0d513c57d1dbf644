"""`pre-norm`: normalise what enters each residual branch, not the sum (Xiong et al. 2020)."""

from collections import Counter
from typing import Final

from torch import nn

from trainsense.probes.structure import Graph, Residual, loss_graph, post_norm, residuals
from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits.interface import Change, Example, change, refusal
from trainsense.workload.edits.norm_placement import move_norms
from trainsense.workload.edits.own_forward import OwnForward, UntraceableError
from trainsense.workload.edits.rewriting import Rewritten, rewritten
from trainsense.workload.edits.torch_stacks import bare_stacks, norm_first_code, post_norm_layers

NAME: Final = "pre-norm"
ADVICE: Final = (
    "Normalise what enters each residual branch instead of the sum: x + f(norm(x)) in place of norm(x + f(x)), with "
    "one more norm after the last block (norm_first=True in torch's Transformer layers)."
)


def plan(model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work out which norms to move: in torch's Transformer layers by `norm_first`, in custom blocks by a new forward."""
    graph = loss_graph(model, example.first_loss)
    found = residuals(graph)
    layers = post_norm_layers(model)
    post = post_norm(graph, found)
    owners = _owners(graph, post, layers)

    def move(own: OwnForward) -> None:
        if move_norms(own.graph, model.get_submodule(own.path)) != owners[own.path]:
            msg = "does not hold whole blocks of the form norm(x + f(x))"
            raise UntraceableError(msg)

    custom = rewritten(model, graph, owners, move, example)
    if not layers and not custom.paths:
        return refusal(NAME, _why_none(found, post, custom), ADVICE)
    code = "\n".join(part for part in (norm_first_code(model, layers), custom.code) if part)
    stacks = tuple(f"{stack}.norm".lstrip(".") for stack in bare_stacks(model, layers))
    return change(NAME, changes=(*layers, *stacks, *custom.paths), code=code, advice=ADVICE + custom.by_hand)


def _owners(graph: Graph, post: tuple[Residual, ...], layers: tuple[str, ...]) -> dict[str, int]:
    """Return the modules whose forward makes the sums, torch's own layers left out, and the most sums in one call."""
    sums = Counter(graph.ops[one.op].call for one in post)
    owners: dict[str, int] = {}
    for call, count in sums.items():
        path = "" if call is None else graph.calls[call].path
        if path not in layers:
            owners[path] = max(count, owners.get(path, 0))
    return owners


def _why_none(found: tuple[Residual, ...], post: tuple[Residual, ...], custom: Rewritten) -> str:
    if not found:
        return "No residual connection was found: no layer's output is added to what it was computed from."
    if not post:
        if all(one.norm_before for one in found):
            return f"The model is pre-norm already: each of its {len(found)} residual branches begins with a norm."
        return f"None of the model's {len(found)} residual sums is normalised before it is the next block's input."
    return f"The norms have to be moved by hand: {custom.why}."
