"""`reinitialize`: weights drawn anew by the rule that fits what follows them (He et al. 2015; Glorot and Bengio 2010)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from torch import nn

from trainsense.probes.structure import (
    Applied,
    Form,
    Graph,
    activation_after,
    added_parameter,
    layer,
    loss_graph,
    residuals,
)
from trainsense.probes.structure.kinds import LOOKUPS, RELU_FAMILY, RESHAPES
from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits.interface import Change, Example, as_tuple, change, refusal

NAME: Final = "reinitialize"
ADVICE: Final = (
    "Initialise the weights of linear and convolutional layers anew: torch.nn.init.kaiming_normal_ before ReLU and its "
    "kin, torch.nn.init.xavier_normal_ elsewhere (gain 5/3 before tanh), orthogonal recurrent weights, biases at zero."
)
_RECURRENT: Final = (nn.RNNBase, nn.RNNCellBase)
_ZERO: Final = "torch.nn.init.zeros_({0})"
_XAVIER: Final = "torch.nn.init.xavier_normal_({0})"
_FORGET_GATE_OPEN: Final = "torch.nn.init.zeros_({0}).data.chunk(4)[1].fill_(1.0)"
"""The forget gate starts open (Jozefowicz et al. 2015)."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """How to start one parameter: a line of code that draws it, with `{0}` for the parameter."""

    name: str
    line: str


def plan(model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work out how each weight starts by the activation that follows it."""
    graph = loss_graph(model, example.first_loss)
    special = {name for name, _ in _parameters_of(model, _RECURRENT)} | set(_looked_up(graph))
    starts = [*_recurrent(model), *_layers(graph, model, special)]
    if not starts:
        return refusal(NAME, "No weight of a linear, convolutional or recurrent layer was found.", ADVICE)
    grouped: dict[str, list[str]] = defaultdict(list)
    for start in starts:
        grouped[start.line].append(start.name)
    code = "".join(
        f"for name in {as_tuple(tuple(names))}:\n    {line.format('model.get_parameter(name)')}\n"
        for line, names in grouped.items()
    )
    return change(NAME, changes=tuple(start.name for start in starts), code=code, advice=ADVICE)


def _parameters_of(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> Iterator[tuple[str, nn.Module]]:
    for path, module in model.named_modules():
        if isinstance(module, kinds):
            for name, _ in module.named_parameters(path, recurse=False):
                yield name, module


def _looked_up(graph: Graph) -> Iterator[str]:
    """Yield the parameters that are embeddings somewhere, even if they are output layers too."""
    for index, op in enumerate(graph.ops):
        if op.kind in LOOKUPS:
            yield from graph.parameters(index)


def _recurrent(model: nn.Module) -> Iterator[_Start]:
    for name, module in _parameters_of(model, _RECURRENT):
        last = name.rpartition(".")[2]
        if last.startswith("bias_ih") and isinstance(module, (nn.LSTM, nn.LSTMCell)):
            yield _Start(name=name, line=_FORGET_GATE_OPEN)
        elif last.startswith("bias"):
            yield _Start(name=name, line=_ZERO)
        elif last.startswith("weight_hh"):
            yield _Start(name=name, line="torch.nn.init.orthogonal_({0})")
        else:
            yield _Start(name=name, line=_XAVIER)


def _layers(graph: Graph, model: nn.Module, special: set[str]) -> Iterator[_Start]:
    sums = frozenset(residual.op for residual in residuals(graph))
    dims = {name: parameter.dim() for name, parameter in model.named_parameters(remove_duplicate=False)}
    done = set(special)
    for index in sorted(range(len(graph.ops)), key=lambda index: graph.ops[index].number):
        op, own = graph.ops[index], layer(graph, index)
        if own is None or not own.affine:
            continue
        for one in own.parameters:
            drawn = not one.adds and (dims[one.name] == 2 or (dims[one.name] > 2 and "Conv" in op.kind))
            if one.name not in done and one.form is not Form.FUNCTION and (one.adds or drawn):
                done.add(one.name)
                yield _Start(name=one.name, line=_line(graph, index, sums, one) if drawn else _ZERO)
        for name in _biases_after(graph, index):
            if name not in done:
                done.add(name)
                yield _Start(name=name, line=_ZERO)


def _biases_after(graph: Graph, index: int) -> Iterator[str]:
    """Yield the biases that are added to a layer's output by an operation of their own."""
    for user in graph.users[index]:
        if graph.ops[user].kind in RESHAPES:
            yield from _biases_after(graph, user)
        elif (bias := added_parameter(graph, user)) is not None and _is_row(graph, user):
            yield bias.name


def _is_row(graph: Graph, index: int) -> bool:
    """Return whether what an operation adds has one dimension: a bias, not a table of positions."""
    return any(len(graph.ops[own].shape) == 1 for own in graph.parameter_inputs(index))


def _line(graph: Graph, index: int, sums: frozenset[int], weight: Applied) -> str:
    after = activation_after(graph, index, sums)
    if after is None:
        return _XAVIER
    op = graph.ops[after]
    mode = 'mode="fan_out", ' if weight.turned else ""
    if op.kind == "LeakyRelu":
        slope = op.details["negative_slope"]
        return f'torch.nn.init.kaiming_normal_({{0}}, a={slope!r}, {mode}nonlinearity="leaky_relu")'
    if op.kind == "Elu" and op.details.get("scale", 1) != 1:  # SELU
        return f'torch.nn.init.kaiming_normal_({{0}}, {mode}nonlinearity="linear")'
    if op.kind in RELU_FAMILY or op.kind == "Mul":
        return f'torch.nn.init.kaiming_normal_({{0}}, {mode}nonlinearity="relu")'
    if op.kind == "Tanh":
        return 'torch.nn.init.xavier_normal_({0}, gain=torch.nn.init.calculate_gain("tanh"))'
    return _XAVIER
