"""Inputs far from zero mean and unit scale where the first layers read them; not where they are normalised on the way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings
from tests.rules.setup.digits import Written, batches, mlp, on_digits, rows

RULE = "input-not-normalized"


def column(scale: float) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cat([x[:, :63], scale * x[:, 20:21]], dim=1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: 100 * x, "root mean square of"),
        (lambda x: 1e-3 * x, "root mean square of"),
        (lambda x: x + 20, "mean of"),
        (lambda x: 0.1 * (x + 20), "mean of"),
        (column(1e5), "Input feature 63"),
        (lambda x: (50 * x + 100).clamp(0, 255).to(torch.uint8).float(), "root mean square of"),
    ],
)
def test_far_from_unit_scale(change: Callable[[Tensor], Tensor], told: str) -> None:
    found = findings(on_digits(data=batches(change)))[RULE]
    assert (found.severity, found.fixes) == ("warning", ("normalize-inputs",))
    assert told in found.title
    assert found.locations[0].module == "0"
    assert found.locations[0].file.endswith("digits.py")


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers(kind: Any) -> None:
    def model() -> nn.Module:
        def forward(own: Any, x: Tensor) -> Tensor:
            return own.head(own.layer(x)[0][:, -1])  # type: ignore[no-any-return]

        return Written(forward, layer=kind(8, 16, batch_first=True), head=nn.Linear(16, 10))

    assert findings(on_digits(model, data=batches(lambda x: 100 * rows(x))))[RULE].locations[0].module == "layer"
    assert RULE not in findings(on_digits(model, data=batches(rows)))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
def test_normalised_on_the_way(norm: Any) -> None:
    data = batches(lambda x: 100 * x + 100)
    assert RULE not in findings(on_digits(lambda: nn.Sequential(norm(64), mlp()), data=data))


def test_normalised_by_the_model_itself() -> None:
    model: Callable[[], nn.Module] = lambda: Written(lambda own, x: own.net((x - 100) / 100), net=mlp())  # noqa: E731
    assert RULE not in findings(on_digits(model, data=batches(lambda x: 100 * x + 100)))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 5 * x + 5,
        lambda x: 0.05 * x,
        column(1e-6),
        column(20.0),
        lambda x: torch.cat([x[:, :60], torch.full((len(x), 4), 50.0)], dim=1),
        lambda x: functional.one_hot((9 * x[:, 20:21].abs()).long().clamp(0, 63).flatten(), 64).float(),
        lambda x: functional.normalize(x, dim=1),
    ],
)
def test_sound_scales(change: Callable[[Tensor], Tensor]) -> None:
    found = findings(on_digits(data=batches(change))).get(RULE)
    assert found is None


def test_tens_are_a_note() -> None:
    assert findings(on_digits(data=batches(lambda x: 15 * x)))[RULE].severity == "note"
