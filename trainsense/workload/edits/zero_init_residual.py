"""`zero-init-residual`: every residual block starts as the identity (Goyal et al. 2017, section 5.1; Zhang et al. 2019)."""

from typing import Final

import torch
from torch import nn

from trainsense.probes.structure import Graph, loss_graph, residuals
from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits.branch_ends import branch_ends
from trainsense.workload.edits.interface import Change, Example, as_tuple, change, refusal

NAME: Final = "zero-init-residual"
ADVICE: Final = (
    "Initialise the weight and bias of the last layer of each residual branch to zero, so that every block starts as "
    "the identity."
)


def plan(model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work out which parameters to zero: weight and bias of the last layer (or norm) of each residual branch."""
    graph = loss_graph(model, example.first_loss)
    ends = branch_ends(graph)
    if not ends.names:
        return refusal(NAME, _why_none(graph, ends.blocked), ADVICE)
    names = tuple(name for name in ends.names if bool(torch.count_nonzero(model.get_parameter(name).detach())))
    if not names:
        return refusal(NAME, "The last layer of every residual branch is zero already.", ADVICE)
    code = (
        f"with torch.no_grad():  # every residual block starts as the identity\n"
        f"    for name in {_indented(as_tuple(names))}:\n"
        f"        model.get_parameter(name).zero_()\n"
    )
    return change(NAME, changes=names, code=code, advice=ADVICE)


def _why_none(graph: Graph, blocked: tuple[str, ...]) -> str:
    if not residuals(graph):
        return "No residual connection was found: no layer's output is added to what it was computed from."
    return f"No residual branch ends in a layer that can start at zero: {blocked[0]}."


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
