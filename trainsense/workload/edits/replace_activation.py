"""`replace-activation`: hidden activations that let gradients through (Glorot et al. 2011; Hendrycks and Gimpel 2016)."""

from typing import Final

from torch import nn

from trainsense.probes.structure import loss_graph
from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits.activation_nodes import replace_nodes
from trainsense.workload.edits.activation_sites import TORCH_LAYERS, Site, hidden_sites
from trainsense.workload.edits.interface import Change, Example, as_tuple, change, refusal
from trainsense.workload.edits.own_forward import OwnForward
from trainsense.workload.edits.rewriting import rewritten

NAME: Final = "replace-activation"
ADVICE: Final = (
    "Replace the hidden activations: saturating ones (sigmoid, tanh) by ReLU, or ReLU by GELU if there are none; leave "
    "gates and the output as they are."
)


def plan(model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work out which activations are hidden ones, and how each is written: as a module or as a function."""
    graph = loss_graph(model, example.first_loss)
    sites = hidden_sites(graph, model)
    saturating = tuple(one for one in sites if one.saturating)
    chosen = saturating or sites
    if not chosen:
        return refusal(
            NAME, "No hidden activation was found that is a sigmoid, tanh, ReLU or one of their kin.", ADVICE
        )
    new = "ReLU" if saturating else "GELU"

    def rewrite(own: OwnForward) -> None:
        replace_nodes(own, [one for one in chosen if one.path == own.path], new)

    custom = rewritten(model, graph, dict.fromkeys(one.path for one in chosen if one.functional), rewrite, example)
    layers = _torch_layers(model, chosen)
    modules = _modules(model, chosen, layers)
    if not (modules or layers or custom.paths):
        return refusal(NAME, f"The activations have to be replaced by hand: {custom.why}.", ADVICE)
    code = "\n".join(part for part in (_module_code(modules, new), _layer_code(layers, new), custom.code) if part)
    changes = (*modules, *(f"{path}.activation" for path in layers), *custom.paths)
    return change(NAME, changes=changes, code=code, advice=ADVICE + custom.by_hand)


def _torch_layers(model: nn.Module, chosen: tuple[Site, ...]) -> tuple[str, ...]:
    """Return the paths of torch's Transformer layers that have a chosen activation, as a function or as a module."""
    paths = {one.path for one in chosen if not one.functional}
    return tuple(
        path
        for path, module in model.named_modules()
        if isinstance(module, TORCH_LAYERS) and not paths.isdisjoint({path, f"{path}.activation".lstrip(".")})
    )


def _modules(model: nn.Module, chosen: tuple[Site, ...], layers: tuple[str, ...]) -> tuple[str, ...]:
    """Return all paths of the chosen activation modules: one that is used at several places has several."""
    special = {*layers, *(f"{path}.activation".lstrip(".") for path in layers)}
    paths = {one.path for one in chosen if not one.functional} - special
    modules = {id(model.get_submodule(path)) for path in paths}
    return tuple(path for path, module in model.named_modules(remove_duplicate=False) if path and id(module) in modules)


def _module_code(modules: tuple[str, ...], new: str) -> str:
    if not modules:
        return ""
    return f"for name in {as_tuple(modules)}:\n    model.set_submodule(name, torch.nn.{new}())\n"


def _layer_code(layers: tuple[str, ...], new: str) -> str:
    if not layers:
        return ""
    return (
        f"for name in {as_tuple(layers)}:\n"
        "    layer = model.get_submodule(name)\n"
        f"    layer.activation = torch.nn.{new}()\n"
        f"    layer.activation_relu_or_gelu = {1 if new == 'ReLU' else 2}  # torch's code for it\n"
    )
