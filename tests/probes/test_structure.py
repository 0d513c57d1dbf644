"""What is read off the autograd graph of a loss."""

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.structure import (
    Form,
    Graph,
    TooManyOpsError,
    activation_after,
    copied,
    hidden_activations,
    layer,
    loss_graph,
    post_norm,
    recording,
    residuals,
)
from trainsense.probes.structure.kinds import LEAF


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Block(nn.Module):
    """A residual block with a place for norms."""

    def __init__(self, *, before: bool = False, after: bool = False) -> None:
        super().__init__()
        self.fc1, self.fc2, self.norm = nn.Linear(4, 6), nn.Linear(6, 4), nn.LayerNorm(4)
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Any:
        out = x + self.fc2(torch.relu(self.fc1(self.norm(x) if self.before else x)))
        return self.norm(out) if self.after else out


def graph_of(model: nn.Module, *shape: int) -> Graph:
    x = torch.randn(*(shape or (5, 4)))
    return loss_graph(model.train(), lambda one: one(x).square().mean())


def followed_by(graph: Graph) -> list[str | None]:
    """The kind of the activation after each linear or convolutional layer, in the order in which they ran."""
    sums = frozenset(one.op for one in residuals(graph))
    order = sorted(range(len(graph.ops)), key=lambda index: graph.ops[index].number)
    found: list[str | None] = []
    for index in order:
        own = layer(graph, index)
        if own is not None and own.affine:
            after = activation_after(graph, index, sums)
            found.append(None if after is None else graph.ops[after].kind)
    return found


def test_operations_come_after_what_they_use() -> None:
    graph = graph_of(Block())
    for index, op in enumerate(graph.ops):
        assert all(source is None or source < index for source in op.inputs)
    assert graph.ops[-1].kind == "Mean"
    assert {op.parameter for op in graph.ops if op.kind == LEAF} == {
        "",
        "fc1.weight",
        "fc1.bias",
        "fc2.weight",
        "fc2.bias",
    }


def test_each_operation_knows_the_module_that_it_ran_in() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(3, 4), Block()), 5, 3)
    paths = {op.kind: [call.path for call in graph.modules(index)] for index, op in enumerate(graph.ops)}
    assert paths["Relu"] == ["1", ""]
    assert paths["Add"] == ["1", ""]
    assert paths["Mean"] == []
    assert [call.path for call in graph.calls] == ["", "0", "1", "1.fc1", "1.fc2"]


def test_a_residual_connection() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(4, 4), Block()))
    (one,) = residuals(graph)
    assert one.parameters == ("1.fc1.bias", "1.fc1.weight", "1.fc2.bias", "1.fc2.weight")
    assert not one.projects
    assert not one.norm_before
    assert one.normed is None
    assert graph.ops[one.op].kind == "Add"
    assert graph.ops[one.start].kind == graph.ops[one.end].kind == "Addmm"


def test_the_raw_input_may_be_the_stream() -> None:
    (one,) = residuals(graph_of(Block()))
    assert len(one.parameters) == 4


def test_code_that_reads_its_input_as_an_array_is_seen_without_it() -> None:
    class Reading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()

        def forward(self, x: Tensor) -> Any:
            return self.block(self.block(torch.from_numpy(x.numpy() + 1)))

    assert len(residuals(graph_of(Reading()))) == 1


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm, nn.BatchNorm1d, lambda width: nn.GroupNorm(2, width)])
def test_norm_placement(norm: Callable[[int], nn.Module]) -> None:
    def stack(**places: bool) -> nn.Module:
        blocks = nn.Sequential(nn.Linear(4, 4), Block(**places), Block(**places), nn.Linear(4, 4))
        for block in list(blocks)[1:3]:
            block.norm = norm(4)
        return blocks

    neither, before, after = (
        residuals(graph_of(stack(**places))) for places in ({}, {"before": True}, {"after": True})
    )
    assert [(one.norm_before, one.normed is None) for one in neither] == [(False, True)] * 2
    assert [(one.norm_before, one.normed is None) for one in before] == [(True, True)] * 2
    assert [(one.norm_before, one.normed is None) for one in after] == [(False, False)] * 2


def test_a_final_norm_makes_no_post_norm_model() -> None:
    def found(*blocks: nn.Module) -> int:
        graph = graph_of(nn.Sequential(nn.Linear(4, 4), *blocks, nn.Linear(4, 1)))
        return len(post_norm(graph, residuals(graph)))

    assert found(Block(after=True), Block(after=True)) == 2
    assert found(Block(after=True)) == 1
    assert found(Block(), Block(), nn.LayerNorm(4)) == 0
    assert found(Block(before=True), nn.LayerNorm(4)) == 0
    assert found(Block(before=True), Block(before=True), nn.LayerNorm(4)) == 0


def test_a_projection_is_the_shortcut_and_the_longer_way_the_branch() -> None:
    class Projecting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.short, self.fc1, self.fc2 = nn.Linear(4, 6), nn.Linear(4, 3), nn.Linear(3, 6)

        def forward(self, x: Tensor) -> Any:
            return self.short(x) + self.fc2(torch.tanh(self.fc1(x)))

    (one,) = residuals(graph_of(Projecting()))
    assert one.projects
    assert set(one.parameters) == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}


def test_parallel_branches_are_two_residuals() -> None:
    class Parallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Any:
            return x + self.one(x) + self.two(x)

    assert [one.parameters for one in residuals(graph_of(Parallel()))] == [
        ("one.bias", "one.weight"),
        ("two.bias", "two.weight"),
    ]


def test_gradients_inside_the_loss_are_no_part_of_the_model() -> None:
    x = torch.randn(5, 4)

    def penalty(model: nn.Module) -> Tensor:
        point = x.clone().requires_grad_()
        out: Tensor = model(point)
        (slope,) = torch.autograd.grad(out.sum(), point, create_graph=True)
        return (out + slope).square().mean()

    model: Any = nn.Sequential(nn.Linear(4, 4), Block(), nn.Tanh())
    graph = loss_graph(model, penalty)
    assert any(op.kind.startswith("Gradient of") for op in graph.ops)
    (one,) = residuals(graph)
    assert one.parameters == residuals(graph_of(model))[0].parameters
    assert all(len(ops) == 1 for ops in graph.applications.values())
    assert followed_by(graph) == followed_by(graph_of(model))


ACTIVATIONS: Final = {
    "Relu": nn.ReLU(),
    "LeakyRelu": nn.LeakyReLU(0.1),
    "Gelu": nn.GELU(),
    "Silu": nn.SiLU(),
    "Elu": nn.ELU(),
    "Mish": nn.Mish(),
    "Softplus": nn.Softplus(),
    "Tanh": nn.Tanh(),
    "Sigmoid": nn.Sigmoid(),
    "Hardtanh": nn.Hardtanh(),
    "PreluKernel": nn.PReLU(),
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_activation_that_follows(kind: str) -> None:
    model: Any = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.1), ACTIVATIONS[kind], nn.Linear(6, 1))
    assert followed_by(graph_of(model)) == [kind, None]


def _normalised(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True))


class Through(nn.Module):
    """A function between two layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.one, self.two, self.function = nn.Linear(4, 4), nn.Linear(4, 4), function

    def forward(self, x: Tensor) -> Any:
        return self.two(self.function(self.one(x)))


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x: x, None),
        (lambda x: torch.softmax(x, -1), None),
        (lambda x: x * torch.sigmoid(x), "Mul"),
        (lambda x: 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.04 * x**3))), "Mul"),
        (lambda x: torch.relu(x) ** 2, "Relu"),
        (lambda x: torch.tanh(x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)), "Tanh"),
        (lambda x: torch.relu((x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)), "Relu"),
        (lambda x: torch.relu(functional.max_pool1d(x.reshape(5, 1, 4), 2)).expand(5, 2, 2).flatten(1), "Relu"),
        (lambda x: x + torch.tanh(x), "Tanh"),
    ],
)
def test_what_a_layer_runs_into(function: Callable[[Tensor], Tensor], kind: str | None) -> None:
    assert followed_by(graph_of(Through(function)))[0] == kind


def test_a_residual_sum_is_no_way_to_an_activation() -> None:
    assert followed_by(graph_of(nn.Sequential(Block(), nn.ReLU(), nn.Linear(4, 1)))) == ["Relu", None, None]


@pytest.mark.parametrize(
    ("function", "hidden"),
    [
        (torch.tanh, True),
        (lambda x: torch.tanh(x) * 0.5, True),
        (lambda x: torch.sigmoid(x) * x, False),
        (lambda x: torch.sigmoid(x).mean(-1, keepdim=True).expand(5, 4) * x, False),
        (lambda x: torch.tanh(x @ x.T) @ x, False),
        (lambda x: x * torch.exp(torch.tanh(x)), False),
        (lambda x: functional.layer_norm(torch.tanh(x), (4,)), True),
        (lambda x: _normalised(torch.tanh(x)), True),
        (lambda x: x + torch.tanh(x), True),
    ],
)
def test_hidden_activations(function: Callable[[Tensor], Tensor], hidden: bool) -> None:  # noqa: FBT001
    graph = graph_of(Through(function))
    activations = [index for index, op in enumerate(graph.ops) if op.kind in {"Tanh", "Sigmoid"}]
    assert len(activations) == 1
    assert hidden_activations(graph, activations, frozenset()) == (frozenset(activations) if hidden else frozenset())


def test_input_and_output_activations_are_not_hidden() -> None:
    graph = graph_of(nn.Sequential(nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid()))
    activations = [index for index, op in enumerate(graph.ops) if op.kind in {"Tanh", "Sigmoid"}]
    assert len(activations) == 2
    assert not hidden_activations(graph, activations, frozenset())


def test_how_weights_are_applied() -> None:
    class Applying(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.straight, self.turned = nn.Linear(4, 4), nn.Parameter(torch.randn(4, 4))
            self.packed, self.normed = nn.Parameter(torch.randn(8, 4)), nn.Linear(4, 4)
            nn.utils.parametrizations.weight_norm(self.normed)
            self.across = nn.ConvTranspose1d(4, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = functional.linear(self.straight(x) @ self.turned, self.packed[:4])
            return self.across(self.normed(x)[..., None])

    graph = graph_of(Applying())
    found = {
        one.name: (one.form, one.turned)
        for index in range(len(graph.ops))
        if (own := layer(graph, index)) is not None
        for one in own.parameters
        if not one.adds
    }
    assert found == {
        "straight.weight": (Form.WHOLE, False),
        "turned": (Form.WHOLE, True),
        "packed": (Form.PART, False),
        "normed.parametrizations.weight.original0": (Form.FUNCTION, False),
        "normed.parametrizations.weight.original1": (Form.FUNCTION, False),
        "across.weight": (Form.WHOLE, True),
    }


def test_looking_leaves_the_model_as_it_was() -> None:
    model: Any = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    graph_of(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())


def test_models_that_hold_computed_tensors_are_copied() -> None:
    model: Any = Block()
    model.cached = model.fc1.weight * 2
    with pytest.raises(RuntimeError):
        copy.deepcopy(model)
    again: Any = copied(model)
    assert torch.equal(again.cached, model.cached)
    assert len(residuals(graph_of(model))) == 1


def test_an_endless_graph_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_OPS", 10)
    with pytest.raises(TooManyOpsError, match="more than 10"):
        graph_of(Block())


def test_a_loss_without_gradient_has_no_operations() -> None:
    assert loss_graph(Block(), lambda _: torch.zeros(())).ops == ()
