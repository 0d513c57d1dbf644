"""The loss of the fresh model against that of a prediction that knows nothing."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.setup.losses import (
    classes,
    cross_entropy,
    loud,
    net,
    scaled,
    squared,
    term,
    terms,
    values,
    with_logits,
    workload,
)
from trainsense import Workload
from trainsense.records.finding import Finding, NotAssessed, Passed
from trainsense.rules.setup.bad_initial_loss import judge


def kaiming(outputs: int) -> nn.Module:
    """Build a network all of whose layers, the last too, are Kaiming-initialised."""
    built = net(outputs)()
    for module in built.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
    return built


def fitted() -> nn.Module:
    """Build a network that begins where training ends."""
    built = nn.Linear(8, 10)
    with torch.no_grad():
        built.weight.copy_(classes_map().T)
    return built


def classes_map() -> Tensor:
    """Return the map behind the classes."""
    return torch.randn(8, 10, generator=torch.Generator().manual_seed(3))


def rare() -> tuple[Tensor, Tensor]:
    """Draw inputs with ten targets that are hardly ever 1."""
    inputs = torch.randn(32, 8)
    return inputs, (inputs @ classes_map() > 8).float()


def pinball(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return a quantile loss, which is not recognised."""
    difference = batch[1] - model(batch[0])
    return torch.maximum(0.9 * difference, -0.1 * difference).mean()


def derivative(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the squared error of the model's derivative."""
    places = inputs.clone().requires_grad_()
    slope, *_ = torch.autograd.grad(model(places).sum(), places, create_graph=True)
    return functional.mse_loss(slope, inputs.cos())


FAULTS: dict[str, Workload] = {
    "scores far too large": workload(scaled(10, 100.0), classes, cross_entropy),
    "a temperature upside down": workload(
        net(10), classes, lambda model, batch: functional.cross_entropy(100 * model(batch[0]), batch[1])
    ),
    "outputs far too large": workload(scaled(1, 100.0), values, squared),
    "targets a thousand away": workload(net(1), lambda: values(shift=1000.0), squared),
    "raw scores as likelihoods": workload(
        net(10), classes, lambda model, batch: functional.nll_loss(model(batch[0]), batch[1])
    ),
    "probabilities as log-probabilities": workload(
        net(10, nn.Softmax(dim=1)), classes, lambda model, batch: functional.nll_loss(model(batch[0]), batch[1])
    ),
    "an unknown loss": workload(scaled(1, 1000.0), values, pinball),
}
SOUND: dict[str, Workload] = {
    "Kaiming": workload(lambda: kaiming(10), classes, cross_entropy),
    "Kaiming, two classes": workload(lambda: kaiming(2), lambda: classes(width=2), cross_entropy),
    "Kaiming regression": workload(lambda: kaiming(1), values, squared),
    "large targets": workload(net(1), lambda: values(scale=1e4), squared),
    "large targets with a mean": workload(net(1), lambda: values(scale=80.0, shift=150.0), squared),
    "small targets": workload(net(1), lambda: values(scale=0.1), squared),
    "begins low": workload(fitted, classes, cross_entropy),
    "a sum over the batch": workload(
        net(10), classes, lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], reduction="sum")
    ),
    "weighted positives": workload(
        net(10),
        rare,
        lambda model, batch: functional.binary_cross_entropy_with_logits(
            model(batch[0]), batch[1], pos_weight=torch.full((10,), 30.0)
        ),
    ),
    "an unknown loss": workload(net(1), lambda: values(shift=4.0), pinball),
}


@pytest.mark.parametrize("subject", FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_start_is_named(subject: Workload) -> None:
    """By this rule alone, with the line of the loss where it is known."""
    found = loud(subject)
    assert list(found) == ["bad-initial-loss"]
    one = found["bad-initial-loss"]
    assert not one.locations or one.locations[0].line


@pytest.mark.parametrize("subject", SOUND.values(), ids=SOUND.keys())
@pytest.mark.parametrize("seed", [0, 1])
def test_a_usual_start_is_none(subject: Workload, seed: int) -> None:
    """Whatever the scale of targets, reduction, or weights."""
    assert not loud(subject, seed)


def test_a_loss_that_differentiates_is_looked_at() -> None:
    """A derivative against its target."""
    fit = workload(net(1), lambda: torch.rand(32, 8), derivative)
    assert not loud(fit)


def test_a_likelihood_without_a_floor_is_an_error() -> None:
    """It may not begin high at all."""
    assert findings(FAULTS["raw scores as likelihoods"])["bad-initial-loss"].severity == "error"


CASES: list[tuple[dict[str, Any], str]] = [
    ({"value": 3.3}, "passes"),
    ({"value": 4.5, "warmed_value": 4.5}, "note"),
    ({"value": 8.0, "warmed_value": 2.0}, "note"),
    ({"value": 8.0, "warmed_value": 8.0}, "warning"),
    ({"value": 20.0, "warmed_value": 2.0}, "warning"),
    ({"value": 500.0, "warmed_value": None}, "error"),
    ({"value": 500.0, "probabilities": "softmax"}, "open"),
    ({"value": 500.0, "head": False}, "open"),
]
SQUARED: list[tuple[dict[str, Any], str]] = [
    ({"value": 1.9, "from_zero": 1.0}, "passes"),
    ({"value": 9.0, "from_zero": 1.0, "warmed_value": 9.0}, "note"),
    ({"value": 40.0, "from_zero": 1.0, "warmed_value": 1.0}, "note"),
    ({"value": 40.0, "from_zero": 1.0, "warmed_value": 39.0}, "warning"),
    ({"value": 80.0, "from_zero": 1.0, "warmed_value": 1.0}, "warning"),
    ({"value": 40.0, "from_zero": 41.0, "warmed_value": 39.0}, "note"),
    ({"value": 200.0, "from_zero": 201.0, "warmed_value": 160.0}, "note"),
    ({"value": 200.0, "from_zero": 201.0, "warmed_value": 199.0}, "warning"),
    ({"value": 1e5, "from_zero": 1.0, "warmed_value": 1e5}, "error"),
    ({"value": 1.0, "from_zero": 1.0, "uninformed": 0.0}, "open"),
]


@pytest.mark.parametrize(("changes", "says"), CASES)
def test_how_much_is_how_bad(changes: dict[str, Any], says: str) -> None:
    """Little is a note, as is what the warm start takes off; more is a warning, hugely more an error."""
    assert _said(judge(terms(term(**changes)))) == says


@pytest.mark.parametrize(("changes", "says"), SQUARED)
def test_squared_errors_are_held_against_the_variance(changes: dict[str, Any], says: str) -> None:
    """With more patience where the targets, not the outputs, are what is far off."""
    fields: dict[str, Any] = {"kind": "squared error", "uninformed": 1.0, "classes": None, **changes}
    assert _said(judge(terms(term(**fields)))) == says


def test_an_unknown_loss_needs_every_batch() -> None:
    """And zeroed last layers that cost something."""
    high: dict[str, Any] = {"loss": 50.0, "warmed_loss": 45.0}
    assert _said(judge(terms(**high, zeroed_loss=1.0, least_ratio=40.0))) == "warning"
    assert _said(judge(terms(loss=50.0, warmed_loss=2.0, zeroed_loss=1.0, least_ratio=40.0))) == "note"
    assert _said(judge(terms(**high, zeroed_loss=1.0, least_ratio=3.0))) == "passes"
    assert _said(judge(terms(**high, zeroed_loss=0.0))) == "open"


def _said(judgement: object) -> str:
    if isinstance(judgement, Finding):
        return judgement.severity
    assert isinstance(judgement, (Passed, NotAssessed))
    return "passes" if isinstance(judgement, Passed) else "open"


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    """Binary cross-entropy of a fresh model."""
    subject = workload(net(1), lambda: (torch.randn(32, 8), torch.randint(0, 2, (32, 1)).float()), with_logits)
    assert "bad-initial-loss" not in findings(subject)
