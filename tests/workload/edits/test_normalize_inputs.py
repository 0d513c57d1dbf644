"""After normalize-inputs the model sees inputs of mean 0 and standard deviation 1."""

import copy
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn

from tests.workload.edits.planning import made, planned, refused
from trainsense.workload.edits import Change

NAME: Final = "normalize-inputs"
NOISE: Final = torch.randn(512, 3, generator=torch.Generator().manual_seed(1))


class Seeing(nn.Module):
    """Keeps what it was given."""

    def __init__(self, first: nn.Module | None = None) -> None:
        super().__init__()
        self.first = first or nn.LazyLinear(2)
        self.seen: list[Tensor] = []

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        x = next(value for value in given if isinstance(value, Tensor) and value.is_floating_point())
        self.seen.append(x)
        return self.first(x)


def seeing(*shape: int, first: nn.Module | None = None) -> Seeing:
    model = Seeing(first)
    model(torch.zeros(*shape))
    model.seen.clear()
    return model


def tilted(*shape: int, axis: int = -1) -> Tensor:
    """Features of means 1, 2, ... and scales 1, 10, ..."""
    features = torch.arange(shape[axis], dtype=torch.float).reshape(
        [-1 if one == axis % len(shape) else 1 for one in range(len(shape))]
    )
    return torch.randn(*shape) * 10**features + features + 1


@pytest.mark.parametrize(
    ("shape", "axis", "first"),
    [
        ((16, 3), 1, None),
        ((16, 5, 3), 2, None),
        ((16, 3, 4, 4), 1, nn.Conv2d(3, 2, 3)),
        ((16, 3, 4, 4, 4), 1, nn.Conv3d(3, 2, 3)),
        ((16, 3, 5), 1, nn.Conv1d(3, 2, 3)),
    ],
)
def test_features_of_every_layout(shape: tuple[int, ...], axis: int, first: nn.Module | None) -> None:
    model: Any = seeing(*shape, first=first)
    batches = [tilted(*shape, axis=axis) for _ in range(4)]
    assert made(NAME, model, *batches) == ("",)
    for batch in batches:
        model(batch)
    seen = torch.cat(model.seen)
    others = [one for one in range(len(shape)) if one != axis]
    assert torch.allclose(seen.mean(others), torch.zeros(3), atol=1e-4)
    assert torch.allclose(seen.std(others, correction=0), torch.ones(3), atol=1e-4)
    assert seen.shape == (64, *shape[1:])


def test_batches_of_different_lengths() -> None:
    model: Any = seeing(4, 5, 3)
    batches = [tilted(4, length, 3) for length in (5, 7, 9)]
    made(NAME, model, *batches)
    for batch in batches:
        model(batch)
    seen = torch.cat([one.flatten(0, 1) for one in model.seen])
    assert torch.allclose(seen.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(seen.std(0, correction=0), torch.ones(3), atol=1e-4)


def test_constant_features_keep_their_scale() -> None:
    batch = torch.cat([tilted(16, 2), torch.full((16, 1), 0.1), torch.zeros(16, 1)], dim=1)
    model: Any = seeing(16, 4)
    made(NAME, model, batch)
    model(batch)
    assert torch.allclose(model.seen[0][:, 2:], torch.zeros(16, 2), atol=1e-6)
    model(batch + 1)
    assert torch.allclose(model.seen[1][:, 2:], torch.ones(16, 2), atol=1e-6)


def test_what_is_given_by_name_and_beside_other_things() -> None:
    def named(model: nn.Module, batch: Tensor) -> Tensor:
        out: Tensor = model(torch.arange(16), flag=True, values=batch)
        return out.square().mean()

    def second(model: nn.Module, batch: Tensor) -> Tensor:
        out: Tensor = model(torch.arange(16), batch, None)
        return out.square().mean()

    batch = tilted(16, 3)
    for loss in (named, second):
        model = seeing(16, 3)
        made(NAME, model, batch, loss=loss)
        loss(model, batch)
        assert torch.allclose(model.seen[0].mean(0), torch.zeros(3), atol=1e-4)


def test_precision_and_copies() -> None:
    batch = tilted(16, 3).double()
    model: Any = seeing(16, 3).double()
    made(NAME, model, batch)
    other = copy.deepcopy(model)
    other(batch)
    assert other.seen[0].dtype == torch.float64
    assert torch.allclose(other.seen[0].mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-4)
    assert set(other.state_dict()) == set(model.state_dict()) == {"first.weight", "first.bias"}


def test_the_targets_of_an_autoencoder_stay() -> None:
    def rebuilt(model: nn.Module, batch: Tensor) -> Tensor:
        out: Tensor = model(batch)
        return (out - batch).square().mean()

    batch = tilted(16, 3)
    model: Any = seeing(16, 3, first=nn.Linear(3, 3))
    with torch.no_grad():
        model.first.weight.copy_(torch.eye(3))
        model.first.bias.zero_()
    before = batch.clone()
    made(NAME, model, batch, loss=rebuilt)
    standard = (batch - batch.mean(0)) / batch.std(0, correction=0)
    assert torch.allclose(rebuilt(model, batch).detach(), (standard - batch).square().mean(), rtol=1e-4)
    assert torch.equal(batch, before)


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (torch.zeros(16, 3, dtype=torch.long), "integers"),
        (NOISE, "already"),
        (0.6 * NOISE + 0.05, "already"),
        (torch.ones(16, 3), "constant"),
        (torch.full((16, 3), torch.nan), "not finite"),
        (torch.ones(16), "no floating-point tensor"),
    ],
)
def test_reasons(batch: Tensor, reason: str) -> None:
    def loss(model: nn.Module, one: Tensor) -> Tensor:
        out: Tensor = model(one)
        return out.square().mean()

    model: Any = nn.Embedding(5, 2) if batch.dtype == torch.long else nn.Linear(batch.shape[-1], 1)
    assert reason in refused(NAME, model, batch, loss=loss)


@pytest.mark.parametrize(
    "batch",
    [NOISE + 0.5, 3 * NOISE, 0.3 * NOISE, NOISE.exp()],
)
def test_what_is_off_is_normalised(batch: Tensor) -> None:
    assert isinstance(planned(NAME, nn.Linear(3, 1), batch), Change)


def test_a_model_that_is_never_called_itself() -> None:
    def by_parts(model: Any, batch: Tensor) -> Tensor:
        out: Tensor = model.first(batch)
        return out.square().mean()

    assert "does not call the model itself" in refused(NAME, seeing(16, 3), tilted(16, 3), loss=by_parts)


def test_a_model_that_gets_its_tensors_in_a_structure() -> None:
    class Structured(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, batch: dict[str, Tensor]) -> Any:
            return self.layer(batch["x"])

    assert "not given a tensor" in refused(NAME, Structured(), {"x": tilted(16, 3)})


def test_the_code_computes_from_all_inputs_that_it_is_given() -> None:
    model: Any = seeing(16, 3)
    found = planned(NAME, model, tilted(16, 3))
    assert isinstance(found, Change)
    inputs = 5 + 2 * torch.randn(100, 3)
    exec(found.survey.code, {"torch": torch, "model": model, "inputs": inputs})  # noqa: S102
    model(inputs)
    assert torch.allclose(model.seen[0].mean(0), torch.zeros(3), atol=1e-4)
