"""After pre-norm a model computes what its pre-norm twin computes with the same weights."""

import copy
import functools
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workload.edits.architectures import Branching, PostNormBlock, PostNormNet, PreNormTwin, RMSNorm, squares
from tests.workload.edits.planning import made, planned, refused
from trainsense.workload.edits import Change

NAME: Final = "pre-norm"


class Post(nn.Module):
    """`norm(x + f(x))`, written in many ways."""

    def __init__(self, way: Callable[[Any, Tensor], Tensor], norm: nn.Module | None = None) -> None:
        super().__init__()
        self.fc1, self.fc2, self.norm = nn.Linear(4, 6), nn.Linear(6, 4), norm or nn.LayerNorm(4)
        self.norm.requires_grad_()
        self.rate = 0.5
        self.way = way

    def branch(self, x: Tensor) -> Any:
        return self.fc2(torch.relu(self.fc1(x)))

    def forward(self, x: Tensor) -> Any:
        return self.way(self, x)


def _in_place(block: Any, x: Tensor) -> Any:
    out = block.branch(x)
    out += x
    return block.norm(out)


def _two_lines(block: Any, x: Tensor) -> Any:
    residual = x
    x = block.branch(x)
    return block.norm(residual + x)


WAYS: Final[dict[str, tuple[Callable[[Any, Tensor], Any], nn.Module | None]]] = {
    "plain": (lambda b, x: b.norm(x + b.branch(x)), None),
    "branch first": (lambda b, x: b.norm(b.branch(x) + x), None),
    "torch.add": (lambda b, x: b.norm(torch.add(x, b.branch(x))), None),
    "method": (lambda b, x: b.norm(b.branch(x).add(x)), None),
    "in place": (_in_place, None),
    "two lines": (_two_lines, None),
    "functional": (
        lambda b, x: functional.layer_norm(x + b.branch(x), (4,), b.norm.weight, b.norm.bias),
        None,
    ),
    "batch norm": (lambda b, x: b.norm(x + b.branch(x)), nn.BatchNorm1d(4)),
    "group norm": (lambda b, x: b.norm(x + b.branch(x)), nn.GroupNorm(2, 4)),
    "RMSNorm": (lambda b, x: b.norm(x + b.branch(x)), nn.RMSNorm(4)),
    "own RMSNorm": (lambda b, x: b.norm(x + b.branch(x)), RMSNorm(4)),
    "activation after": (lambda b, x: torch.relu(b.norm(x + b.branch(x))), None),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_written(way: str) -> None:
    torch.manual_seed(0)
    function, norm = WAYS[way]
    model: Any = nn.Sequential(
        nn.Linear(3, 4), Post(function, copy.deepcopy(norm)), Post(function, copy.deepcopy(norm))
    )
    with torch.no_grad():
        model[1].norm.weight.uniform_(0.5, 2)
    batch = torch.randn(5, 3)
    assert made(NAME, model, batch) == ("1", "2")
    x = model[0](batch)
    for block in model[1:]:
        x = x + block.branch(block.norm(x))
        x = torch.relu(x) if way == "activation after" else x
    assert torch.allclose(model(batch), x, atol=1e-6)
    model.eval()(batch).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_a_block_of_attention_and_feed_forward_equals_its_twin(training: bool) -> None:  # noqa: FBT001
    model, twin = PostNormNet(), PostNormNet(PreNormTwin)
    twin.load_state_dict(model.state_dict())
    ids = torch.randint(11, (3, 5))
    assert made(NAME, model, ids) == ("blocks.0", "blocks.1")
    outputs = []
    for one in (model, twin):
        torch.manual_seed(1)
        outputs.append(one.train(training)(ids))
    assert torch.equal(*outputs)
    torch.manual_seed(2)
    assert torch.equal(model(ids), outputs[0]) != training


def test_a_model_that_is_copied_afterwards_is_independent() -> None:
    model: Any = PostNormNet().eval()
    ids = torch.randint(11, (3, 5))
    made(NAME, model, ids)
    model.eval()
    other = copy.deepcopy(model)
    before = model(ids)
    with torch.no_grad():
        other.blocks[0].fc2.weight.zero_()
    assert torch.equal(model(ids), before)
    assert not torch.equal(other(ids), before)


def test_a_loop_in_the_model_itself() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
            self.norms = nn.ModuleList([nn.LayerNorm(4), nn.LayerNorm(4)])

        def forward(self, x: Tensor) -> Any:
            for linear, norm in zip(self.layers, self.norms, strict=True):
                x = norm(x + linear(x))
            return x

    model: Any = Loop()
    x = torch.randn(5, 4)
    assert made(NAME, model, x) == ("",)
    one = x + model.layers[0](model.norms[0](x))
    assert torch.allclose(model(x), one + model.layers[1](model.norms[1](one)))


def test_a_norm_of_tokens_and_positions_stays() -> None:
    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(11, 4), nn.Parameter(torch.randn(9, 4))
            self.fc, self.first, self.norm = nn.Linear(4, 4), nn.LayerNorm(4), nn.LayerNorm(4)

        def forward(self, ids: Tensor) -> Any:
            x = self.tokens(ids)
            x = self.first(x + self.positions[: x.shape[1]])
            return self.norm(x + self.fc(x).reshape(x.shape))

    model: Any = Embedded()
    ids = torch.randint(11, (3, 5))
    assert made(NAME, model, ids) == ("",)
    x = model.first(model.tokens(ids) + model.positions[:5])
    assert torch.equal(model(ids), x + model.fc(model.norm(x)))


def test_the_memory_of_cross_attention_is_not_normalised() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4)

        def forward(self, x: Tensor, memory: Tensor) -> Any:
            return self.norm(x + torch.tanh(self.inner(x)) * self.outer(memory))

    class Reading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.block = nn.Linear(4, 4), Cross()

        def forward(self, x: Tensor) -> Any:
            return self.block(self.stem(x), x)

    model: Any = Reading()
    memory = torch.randn(5, 4)
    assert made(NAME, model, memory) == ("block",)
    x, block = model.stem(memory), model.block
    assert torch.allclose(model(memory), x + torch.tanh(block.inner(block.norm(x))) * block.outer(memory))


@pytest.mark.parametrize("final", [True, False])
def test_torch_layers_equal_norm_first_twins(final: bool) -> None:  # noqa: FBT001
    def stack(*, norm_first: bool, norm: nn.Module | None) -> nn.Module:
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True, norm_first=norm_first, layer_norm_eps=1e-3)
        return nn.TransformerEncoder(layer, 2, norm=norm, enable_nested_tensor=not norm_first)

    torch.manual_seed(0)
    model: Any = stack(norm_first=False, norm=nn.LayerNorm(8, eps=1e-3) if final else None)
    x = torch.randn(3, 5, 8)
    assert made(NAME, model, x) == ("layers.0", "layers.1") + (() if final else ("norm",))
    twin = stack(norm_first=True, norm=nn.LayerNorm(8, eps=1e-3))
    twin.load_state_dict(model.state_dict())
    assert torch.equal(model(x), twin(x))
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 5])
    with torch.no_grad():
        out = model.eval()(x, src_key_padding_mask=padding)
        assert torch.allclose(out, twin.eval()(x, src_key_padding_mask=padding), atol=1e-6)


def test_torch_layers_outside_of_a_stack_get_no_final_norm() -> None:
    model: Any = nn.ModuleList([nn.TransformerDecoderLayer(8, 2, 12, 0.0)])

    def loss(one: Any, batch: Tensor) -> Tensor:
        out: Tensor = one[0](batch, batch.flip(0))
        return out.square().mean()

    assert made(NAME, model, torch.randn(5, 3, 8), loss=loss) == ("0",)
    assert model[0].norm_first


def test_stacks_and_own_blocks_together() -> None:
    model: Any = nn.Sequential(
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 1),
        PostNormBlock(),
        PostNormBlock(),
    )
    x = torch.randn(5, 3, 8)
    assert made(NAME, model, x) == ("0.layers.0", "0.norm", "1", "2")


def _mask_makes_a_difference(block: Any, x: Tensor) -> Any:
    if block.training:
        x = x + 1
    return block.norm(x + block.branch(x))


def _without_gradient(block: Any, x: Tensor) -> Any:
    with torch.no_grad():
        gate = torch.sigmoid(block.fc2(block.fc1(x)))
    return block.norm(x + gate * block.branch(x))


def _drawing(block: Any, x: Tensor) -> Any:
    return block.norm(x + float(torch.rand(1)) * block.branch(x))


def _counting(block: Any, x: Tensor) -> Any:
    block.steps = getattr(block, "steps", 0) + 1
    return block.norm(x + block.branch(x))


def _looking(block: Any, x: Tensor) -> Any:
    return block.norm(x + block.branch(x)) if x.sum() < 1e9 else x


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (_mask_makes_a_difference, "different things in training and in evaluation"),
        (_without_gradient, "more than torch.fx sees"),
        (_drawing, "draws random numbers"),
        (_counting, "writes to its module"),
        (_looking, "cannot be traced"),
    ],
)
def test_a_forward_that_a_trace_would_falsify_is_left_alone(way: Callable[[Any, Tensor], Any], reason: str) -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), Post(way), Post(way))
    said = refused(NAME, model, torch.randn(5, 3))
    assert reason in said
    assert "Post (1 and 1 more)" in said


def test_precision_chosen_inside_a_forward_is_not_lost() -> None:
    def careful(block: Any, x: Tensor) -> Any:
        with torch.autocast("cpu", enabled=False):
            x = x.float()
            return block.norm(x + block.branch(100 * x))

    def loss(model: nn.Module, batch: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return squares(model, batch)

    assert "more than torch.fx sees" in refused(
        NAME, nn.Sequential(nn.Linear(3, 4), Post(careful)), torch.randn(5, 3), loss=loss
    )


def test_an_argument_that_is_never_given_stays_optional() -> None:
    class Masked(Post):
        def forward(self, x: Tensor, mask: Tensor | None = None, *, scale: float = 1.0) -> Any:
            h = self.branch(x)
            if mask is not None:
                h = h * mask
            return self.norm(x + scale * h)

    model: Any = nn.Sequential(nn.Linear(3, 4), Masked(lambda _, x: x))
    batch = torch.randn(5, 3)
    made(NAME, model, batch)
    x = model[0](batch)
    expected = x + model[1].branch(model[1].norm(x))
    assert torch.equal(model(batch), expected)
    assert torch.equal(model[1](x, mask=None, scale=1.0), expected)
    with pytest.raises(AssertionError):
        model[1](x, torch.ones(4))


def test_a_number_that_is_given_may_be_another_next_time() -> None:
    class Scaled(Post):
        def forward(self, x: Tensor, scale: float = 1.0) -> Any:
            return self.norm(x + scale * self.branch(x))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Scaled(lambda _, x: x)

        def forward(self, x: Tensor) -> Any:
            return self.block(x, 0.5)

    model: Any = Net()
    x = torch.randn(5, 4)
    made(NAME, model, x)
    assert torch.equal(model.block(x, 3.0), x + 3.0 * model.block.branch(model.block.norm(x)))


def test_one_edit_after_another() -> None:
    model: Any = PostNormNet()
    batch = torch.randint(11, (3, 5))
    made(NAME, model, batch)
    made("replace-activation", model, batch)
    x = torch.randn(3, 5, 8)
    block: Any = model.eval().blocks[0]
    h = block.norm1(x)
    one = x + block.attention(h, h, h)[0]
    expected = one + block.fc2(functional.gelu(block.fc1(block.norm2(one))))
    assert torch.allclose(block(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (lambda block, x: block(block(x), torch.ones(4)), "with and without 'mask'"),
        (lambda block, x: block.forward(block.forward(x)), "is never called"),
    ],
)
def test_calls_that_a_trace_cannot_stand_for(calls: Callable[[Any, Tensor], Any], reason: str) -> None:
    class Masked(Post):
        def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
            return self.norm(x + (self.branch(x) if mask is None else mask * self.branch(x)))

    def loss(model: Any, batch: Tensor) -> Tensor:
        out: Tensor = calls(model, batch)
        return out.square().mean()

    assert reason in refused(NAME, Masked(lambda _, x: x), torch.randn(5, 4), loss=loss)


def test_a_forward_that_was_set_on_the_instance() -> None:
    block: Any = Post(WAYS["plain"][0])
    block.forward = functools.partial(Post.forward, block)
    assert "set on the instance" in refused(NAME, block, torch.randn(5, 4))


def test_reasons() -> None:
    x = torch.randn(5, 8)
    pre = nn.TransformerEncoderLayer(8, 2, 12, norm_first=True)
    assert "pre-norm already" in refused(NAME, pre, torch.randn(5, 3, 8))
    assert "No residual connection" in refused(NAME, nn.Linear(8, 2), x)
    plain = nn.Sequential(nn.Linear(8, 4), Post(lambda b, x: x + b.branch(x)), nn.LayerNorm(4))
    assert "whole blocks" in refused(NAME, plain, x)
    twice = nn.Sequential(nn.Linear(8, 4), *(Post(lambda b, x: x + b.branch(x)) for _ in range(2)), nn.LayerNorm(4))
    assert "None of the model's 2 residual sums" in refused(NAME, twice, x)
    assert "traced" in refused(NAME, Branching(), torch.randn(8, 3))


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch._dynamo's own
def test_compiled_models() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), Post(WAYS["plain"][0]), Post(WAYS["plain"][0]))
    compiled: Any = torch.compile(model, backend="aot_eager")
    batch = torch.randn(5, 3)
    assert made(NAME, compiled, batch) == ("_orig_mod.1", "_orig_mod.2")
    x = model[0](batch)
    for block in list(model)[1:]:
        x = x + block.branch(block.norm(x))
    assert torch.allclose(compiled(batch), x, atol=1e-6)


def test_a_norm_that_the_next_block_begins_with_makes_no_post_norm() -> None:
    class Entering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.short, self.fc1, self.fc2 = (
                nn.LayerNorm(4),
                nn.Linear(4, 4),
                nn.Linear(4, 6),
                nn.Linear(6, 4),
            )

        def forward(self, x: Tensor) -> Any:
            h = torch.relu(self.norm(x))
            return self.short(h) + self.fc2(torch.relu(self.fc1(h)))

    model = nn.Sequential(nn.Linear(3, 4), Entering(), Entering(), Entering())
    assert "None of the model's 3 residual sums" in refused(NAME, model, torch.randn(5, 3))


def test_what_is_left_by_hand_is_said() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), Post(WAYS["plain"][0]), Post(_looking))
    found = planned(NAME, model, torch.randn(5, 3))
    assert isinstance(found, Change)
    assert found.survey.changes == ("1",)
    assert "left to do by hand: the forward of Post (2)" in found.survey.advice
