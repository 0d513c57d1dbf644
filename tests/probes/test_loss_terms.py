"""What a loss is made of, by name and written out, against direct computation."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.loss_terms import Ground, Operands, Reading, counted, last_layers, origin, readings, zeroed
from trainsense.probes.structure import live_loss, shown

ROWS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 3, 1, 2, 2, 0])
VALUES = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
SHARES = VALUES.softmax(dim=1)


def build() -> nn.Module:
    """Build the same network at every call."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))


def outputs() -> Tensor:
    """Return what it gives."""
    with torch.no_grad():
        out: Tensor = build()(ROWS)
    return out


def read(loss: Callable[[Tensor], Tensor], model: nn.Module | None = None) -> list[Reading]:
    """Return the readings of a loss of the network's outputs."""
    operands = Operands()

    def watched(copy: nn.Module) -> Tensor:
        with operands.watching(copy):
            return loss(copy(ROWS))

    live = live_loss(model or build(), watched, lines=True)
    return list(readings(Ground(live, operands)))


SQUARED: dict[str, Callable[[Tensor], Tensor]] = {
    "by name": lambda out: functional.mse_loss(out, VALUES),
    "the other way round": lambda out: functional.mse_loss(VALUES, out),
    "a sum": lambda out: functional.mse_loss(out, VALUES, reduction="sum"),
    "absolute": lambda out: functional.l1_loss(out, VALUES),
    "smooth": lambda out: functional.smooth_l1_loss(out, VALUES),
    "Huber": lambda out: functional.huber_loss(out, VALUES),
    "Gaussian": lambda out: functional.gaussian_nll_loss(out, VALUES, torch.ones(6, 4)),
    "a power": lambda out: ((out - VALUES) ** 2).mean(),
    "a square": lambda out: (VALUES - out).square().sum(dim=1).mean(),
    "a product": lambda out: _product(out - VALUES),
    "a norm": lambda out: torch.linalg.vector_norm(out - VALUES, dim=1).mean(),
}
ENTROPY: dict[str, Callable[[Tensor], Tensor]] = {
    "by name": lambda out: functional.cross_entropy(out, LABELS),
    "smoothed": lambda out: functional.cross_entropy(out, LABELS, label_smoothing=0.1),
    "weighted": lambda out: functional.cross_entropy(out, LABELS, weight=torch.tensor([1.0, 2.0, 3.0, 4.0])),
    "likelihood": lambda out: functional.nll_loss(functional.log_softmax(out, dim=-1), LABELS),
    "gathered": lambda out: -out.log_softmax(dim=1).gather(1, LABELS[:, None]).mean(),
    "indexed": lambda out: -torch.log_softmax(out, dim=1)[torch.arange(6), LABELS].mean(),
    "over time": lambda out: functional.cross_entropy(out.reshape(2, 3, 4).transpose(1, 2), LABELS.reshape(2, 3)),
}
NOTHING: dict[str, Callable[[Tensor], Tensor]] = {
    "two outputs": lambda out: functional.mse_loss(out[:3], out[3:]),
    "a penalty": lambda out: out.square().mean(),
    "a ratio of policies": lambda out: (out.log_softmax(dim=1) - SHARES.log()).exp().mean(),
    "a margin": lambda out: functional.multi_margin_loss(out, LABELS),
}


def _product(difference: Tensor) -> Tensor:
    return (difference * difference).mean()


@pytest.mark.parametrize("loss", SQUARED.values(), ids=SQUARED.keys())
def test_squared_errors(loss: Callable[[Tensor], Tensor]) -> None:
    """The mean squared error, whatever is made of it; with the layer and the line."""
    found = read(loss)[-1]
    assert found.kind == "squared error"
    assert found.value == pytest.approx(float((outputs() - VALUES).square().mean()))
    assert (found.location.module, found.parameter) == ("2", "2.bias")
    assert found.location.file == shown(__file__)


@pytest.mark.parametrize("loss", ENTROPY.values(), ids=ENTROPY.keys())
def test_cross_entropies(loss: Callable[[Tensor], Tensor]) -> None:
    """The plain mean, with the labels as they went in."""
    (found,) = read(loss)
    assert (found.kind, found.classes) == ("cross-entropy", 4)
    assert found.value == pytest.approx(float(functional.cross_entropy(outputs(), LABELS)))
    assert found.labels is not None
    assert torch.equal(found.labels.reshape(-1), LABELS)


@pytest.mark.parametrize("loss", NOTHING.values(), ids=NOTHING.keys())
def test_what_compares_nothing(loss: Callable[[Tensor], Tensor]) -> None:
    """Nothing is made up."""
    assert not read(loss)


def test_soft_targets() -> None:
    """By name and as a divergence."""
    expected = float(functional.cross_entropy(outputs(), SHARES))
    for loss in (
        lambda out: functional.cross_entropy(out, SHARES),
        lambda out: functional.kl_div(out.log_softmax(dim=1), SHARES, reduction="batchmean"),
    ):
        (found,) = read(loss)
        assert found.value == pytest.approx(expected)
        assert found.labels is None


def test_binary_targets() -> None:
    """Scores and probabilities give the same value; weights are left out."""
    targets = (VALUES > 0).float()
    (scores,) = read(
        lambda out: functional.binary_cross_entropy_with_logits(out, targets, pos_weight=torch.full((4,), 9.0))
    )
    (shares,) = read(lambda out: functional.binary_cross_entropy(out.sigmoid(), targets))
    assert scores.value == pytest.approx(shares.value, rel=1e-5)
    assert scores.outside == 0.0
    assert shares.bound is not None
    assert shares.bound.kind == "Sigmoid"


def test_a_loss_inside_the_model_is_none() -> None:
    """What a layer reads is no loss."""

    class Distances(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 1)

        def forward(self, rows: Tensor) -> Tensor:
            out: Tensor = self.second((self.first(rows) - VALUES).square())
            return out

    assert not read(lambda out: out.mean(), Distances())


BOUNDS: dict[str, tuple[Callable[[Tensor], Tensor], float, float]] = {
    "sigmoid": (torch.sigmoid, 0.0, 1.0),
    "ReLU6": (functional.relu6, 0.0, 6.0),
    "ELU": (functional.elu, -1.0, math.inf),
    "a clamp from below": (lambda out: out.clamp(min=-2.0), -2.0, math.inf),
    "tanh of ReLU": (lambda out: out.relu().tanh(), 0.0, 1.0),
    "part of a softmax": (lambda out: out.softmax(dim=1)[:, 1:].reshape(3, 6), 0.0, 1.0),
}


@pytest.mark.parametrize(("end", "low", "high"), BOUNDS.values(), ids=BOUNDS.keys())
def test_bounds(end: Callable[[Tensor], Tensor], low: float, high: float) -> None:
    """Of the last operation, through those that only select or reshape."""
    (found,) = read(lambda out: functional.mse_loss(end(out), torch.zeros_like(end(out)).detach()))
    assert found.bound is not None
    assert (found.bound.low, found.bound.high) == (low, high)


def test_scaling_ends_what_is_known() -> None:
    """5 * sigmoid(x)."""
    (found,) = read(lambda out: functional.mse_loss(5 * out.sigmoid(), VALUES))
    assert found.bound is None


def test_where_labels_come_from() -> None:
    """The tensor of the batch, whole, shifted, or counted from elsewhere."""
    tokens = torch.arange(12).reshape(2, 6) % 5
    found = origin({"tokens": tokens}, tokens[:, 1:].reshape(-1), None)
    assert found is not None
    assert (found.path, found.cut, found.offset) == ("batch['tokens']", "[:, 1:]", 0)
    shifted = origin((ROWS, LABELS + 1), LABELS, -100)
    assert shifted is not None
    assert (shifted.path, shifted.offset) == ("batch[1]", -1)
    assert origin((ROWS,), LABELS, None) is None


def test_labels_are_counted_by_example() -> None:
    """A class of many pixels of one image has been seen once."""
    maps = [torch.tensor([[[0, 0], [1, 1]], [[0, 9], [0, 255]]])]
    found = counted(maps, classes=5, ignored=255, where="batch[1]", vocabulary=False)
    assert (found.seen, found.seen_once, found.examples) == (2, 1, 2)
    assert (found.outside, found.first_outside, found.high) == (1, 0, 9)


def test_the_last_layers_are_zeroed_on_a_copy() -> None:
    """The model keeps its own."""
    model = build()
    live = live_loss(model, lambda copy: copy(ROWS).square().mean())
    names = last_layers(live.graph)
    assert set(names) == {"2.weight", "2.bias"}
    assert float(zeroed(model, names)(ROWS).detach().abs().max()) == 0.0
    assert float(model(ROWS).detach().abs().max()) > 0.0
