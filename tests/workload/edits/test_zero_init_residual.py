"""After zero-init-residual every residual block is the identity, or its shortcut."""

import functools
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workload.edits.architectures import ConvBlock, FunctionalNet, HandWrittenLSTM, MLPBlock, PreactBlock, RMSNorm
from tests.workload.edits.planning import made, refused

NAME: Final = "zero-init-residual"


class Of(nn.Module):
    """A block from a function of its modules."""

    def __init__(self, function: Callable[..., Tensor], **modules: Any) -> None:
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def linear(**kwargs: Any) -> nn.Module:
    return nn.Linear(4, 4, **kwargs)


def excited(block: Any, x: Tensor) -> Tensor:
    h: Tensor = block.a(x)
    return x + h * torch.sigmoid(block.c(h.mean(-1, keepdim=True).expand(-1, 4)))


def adapted(block: Any, x: Tensor) -> Tensor:
    gate, scale = block.a(x).chunk(2, 1)
    out: Tensor = x + gate * block.c(x * scale)
    return out


def attended(block: Any, x: Tensor) -> Tensor:
    h = block.norm(x)
    attended: Tensor = block.attention(h, h, h, need_weights=False)[0]
    return x + attended


IDENTITIES: Final[dict[str, Callable[[], nn.Module]]] = {
    "MLP": lambda: MLPBlock(4),
    "one layer": lambda: Of(lambda b, x: x + b.a(x), a=linear()),
    "branch first": lambda: Of(lambda b, x: b.a(x) + x, a=linear()),
    "in place": lambda: Of(lambda b, x: x.clone().add_(b.a(x)), a=linear()),
    "scaled": lambda: Of(lambda b, x: torch.add(x, b.a(x), alpha=0.5), a=linear()),
    "dropout": lambda: Of(lambda b, x: x + functional.dropout(b.c(torch.relu(b.a(x))), 0.5), a=linear(), c=linear()),
    "drop path": lambda: Of(lambda b, x: x + b.a(x) * (torch.rand(len(x), 1) < 0.5) / 0.5, a=linear()),
    "last norm": lambda: Of(lambda b, x: x + b.n(b.a(x)), a=linear(), n=nn.LayerNorm(4)),
    "last RMSNorm": lambda: Of(lambda b, x: x + b.n(b.a(x)), a=linear(), n=RMSNorm(4)),
    "last torch RMSNorm": lambda: Of(lambda b, x: x + b.n(b.a(x)), a=linear(), n=nn.RMSNorm(4)),
    "layer scale": lambda: Of(lambda b, x: x + b.scale * b.a(x), a=linear(), scale=nn.Parameter(torch.full((4,), 0.1))),
    "scalar gain": lambda: Of(lambda b, x: x + b.scale * b.a(x), a=linear(), scale=nn.Parameter(torch.tensor(0.1))),
    "bare matrix": lambda: Of(lambda b, x: x + torch.tanh(x @ b.w) @ b.v, w=_matrix(), v=_matrix()),
    "parallel branches": lambda: Of(lambda b, x: x + b.a(x) + b.c(torch.relu(x)), a=linear(), c=linear()),
    "branches first": lambda: Of(lambda b, x: x + (b.a(x) + b.c(torch.relu(x))), a=linear(), c=linear()),
    "joined halves": lambda: Of(lambda b, x: x + torch.cat([b.a(x), b.c(x)], -1), a=nn.Linear(4, 2), c=nn.Linear(4, 2)),
    "gate": lambda: Of(lambda b, x: x + torch.sigmoid(b.a(x)) * b.c(x), a=linear(), c=linear()),
    "squeeze and excite": lambda: Of(excited, a=linear(), c=linear()),
    "adaptive scales": lambda: Of(adapted, a=nn.Linear(4, 8), c=linear()),
    "steep end": lambda: Of(lambda b, x: x + torch.tanh(b.a(x)), a=linear()),
    "GLU end": lambda: Of(lambda b, x: x + functional.glu(b.a(x)), a=nn.Linear(4, 8)),
    "called twice": lambda: Of(lambda b, x: b.m(b.m(x)), m=MLPBlock(4)),
    "nested": lambda: Of(lambda b, x: x + b.c(b.m(b.a(x))), a=linear(), m=MLPBlock(4), c=linear()),
    "attention": lambda: Of(attended, norm=nn.LayerNorm(4), attention=nn.MultiheadAttention(4, 2)),
    "weight norm before the end": lambda: Of(
        lambda b, x: x + b.c(b.a(x)), a=nn.utils.parametrizations.weight_norm(linear()), c=linear()
    ),
}


def _matrix() -> nn.Parameter:
    return nn.Parameter(torch.randn(4, 4))


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_block_becomes_the_identity_and_learns(name: str) -> None:
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(3, 4), IDENTITIES[name](), nn.Linear(4, 1))
    batch = torch.randn(6, 3)
    changes = made(NAME, model, batch)
    assert all(change.startswith("1.") for change in changes)
    x = torch.randn(6, 4)
    assert torch.equal(model[1](x), x)
    model(batch).square().mean().backward()
    gradients = [parameter.grad for parameter in model[1].parameters() if parameter.grad is not None]
    assert any(bool(gradient.count_nonzero()) for gradient in gradients)


def test_only_the_last_layer_is_zeroed() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), MLPBlock(4), MLPBlock(4))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    assert made(NAME, model, torch.randn(6, 3)) == ("1.fc2.weight", "1.fc2.bias", "2.fc2.weight", "2.fc2.bias")
    for name, parameter in model.named_parameters():
        assert bool(parameter.count_nonzero()) != ("fc2" in name)
        assert "fc2" in name or torch.equal(parameter, before[name])


@pytest.mark.parametrize("stride", [1, 2])
def test_a_resnet_block_becomes_its_shortcut(stride: int) -> None:
    block: Any = ConvBlock(4, 4 * stride, stride)
    batch = torch.randn(3, 4, 6, 6)
    assert made(NAME, block, batch) == ("bn2.weight",)
    assert torch.equal(block(batch), functional.relu(block.shortcut(batch)))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_preactivated_block_becomes_its_shortcut(stride: int) -> None:
    block: Any = PreactBlock(4, 4 * stride, stride)
    batch = torch.randn(3, 4, 6, 6)
    assert made(NAME, block, batch) == ("conv2.weight",)
    out = functional.relu(block.bn1(batch))
    assert torch.equal(block(batch), batch if block.shortcut is None else block.shortcut(out))


def test_a_padded_shortcut_is_one() -> None:
    def padded(block: Any, x: Tensor) -> Any:
        shortcut = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        return shortcut + block.c(torch.relu(block.a(x)))

    block: Any = Of(padded, a=nn.Conv2d(4, 8, 3, 2, 1), c=nn.Conv2d(8, 8, 3, 1, 1))
    assert made(NAME, block, torch.randn(3, 4, 6, 6)) == ("c.weight", "c.bias")


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_torch_layer_becomes_its_norms(norm_first: bool) -> None:  # noqa: FBT001
    layer: Any = nn.TransformerEncoderLayer(8, 2, 12, 0.0, norm_first=norm_first)
    x = torch.randn(3, 2, 8)
    changes = made(NAME, layer, x)
    assert changes == ("self_attn.out_proj.weight", "linear2.weight", "linear2.bias")
    expected = x if norm_first else layer.norm2(layer.norm1(x))
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_a_branch_that_ends_in_relu_would_be_dead() -> None:
    assert "Relu" in refused(NAME, FunctionalNet(), torch.randn(6, 3))


def test_what_is_zero_already_is_said_to_be() -> None:
    block: Any = MLPBlock(4)
    nn.init.zeros_(block.fc2.weight)
    assert made(NAME, block, torch.randn(6, 4)) == ("fc2.bias",)
    assert "already" in refused(NAME, block, torch.randn(6, 4))


@pytest.mark.parametrize(
    ("function", "modules"),
    [
        pytest.param(lambda b, x: b.a(x) + b.c(x), {}, id="two layers side by side"),
        pytest.param(lambda b, x: b.a(x) + b.w[0], {}, id="a vector"),
        pytest.param(lambda b, x: b.a(x) + b.a(x).mean(0, keepdim=True), {}, id="a mean"),
        pytest.param(lambda b, x: x + b.c(x).mean(0, keepdim=True), {}, id="one row for all"),
        pytest.param(lambda b, x: x + torch.dropout(x, 0.5, True), {}, id="no parameters"),
        pytest.param(lambda b, x: b.c(torch.cat([x[:, :2], torch.relu(b.a(x))[:, 2:]], 1)), {}, id="joined"),
    ],
)
def test_other_sums_are_no_residual_connections(function: Callable[..., Tensor], modules: dict[str, Any]) -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), Of(function, a=linear(), c=linear(), w=_matrix()), nn.Linear(4, 1))
    assert "No residual connection" in refused(NAME, model, torch.randn(6, 3))


def test_a_hand_written_lstm_has_none() -> None:
    assert "No residual connection" in refused(NAME, HandWrittenLSTM(), torch.randn(6, 4, 3))


def test_positions_are_no_branch() -> None:
    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(5, 4), nn.Embedding(3, 4)
            self.table = nn.Parameter(torch.randn(3, 4))
            self.head = nn.Linear(4, 5)

        def forward(self, ids: Tensor) -> Any:
            return self.head(self.tokens(ids) + self.positions(torch.arange(3)) + self.table)

    assert "No residual connection" in refused(NAME, Embedded(), torch.randint(5, (6, 3)))


def test_a_weight_that_is_used_elsewhere_stays() -> None:
    block: Any = Of(lambda b, x: b.a(x + b.c(torch.relu(b.a(x)))) + b.c(x).mean(), a=linear(), c=linear())
    assert "elsewhere" in refused(NAME, block, torch.randn(6, 4))


def test_a_branch_whose_end_is_read_elsewhere_stays() -> None:
    def read_twice(block: Any, x: Tensor) -> Tensor:
        end: Tensor = block.a(torch.relu(x))
        return torch.cat([x + end, end], 1)

    assert "read elsewhere" in refused(NAME, nn.Sequential(linear(), Of(read_twice, a=linear())), torch.randn(6, 4))


@pytest.mark.parametrize("norm", [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm])
def test_a_weight_that_is_normalised_stays(norm: Callable[[nn.Module], nn.Module]) -> None:
    block: Any = Of(lambda b, x: x + b.a(x), a=norm(linear()))
    assert "function of a parameter" in refused(NAME, block, torch.randn(6, 4))


def test_frozen_branches_are_left_alone() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 4), MLPBlock(4).requires_grad_(requires_grad=False), nn.Linear(4, 1))
    assert "No residual connection" in refused(NAME, model, torch.randn(6, 3))


def test_it_sees_through_checkpointed_code() -> None:
    checkpoint = functools.partial(torch.utils.checkpoint.checkpoint, use_reentrant=False)
    model: Any = nn.Sequential(nn.Linear(3, 4), Of(lambda b, x: checkpoint(b.m, x), m=MLPBlock(4)), nn.Linear(4, 1))
    assert made(NAME, model, torch.randn(6, 3)) == ("1.m.fc2.weight", "1.m.fc2.bias")


def test_whatever_goes_wrong_is_the_reason() -> None:
    def failing(_: nn.Module, __: object) -> Tensor:
        msg = "no such column"
        raise LookupError(msg)

    assert refused(NAME, MLPBlock(4), torch.randn(6, 4), loss=failing) == (
        "It could not be worked out for this model: LookupError: no such column."
    )
