"""Does the loss depend on the inputs."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.inputs import constant_gaps, output_spread, shuffle_gap

INPUTS = torch.linspace(-1, 1, 16).reshape(16, 1)
BATCH = (INPUTS, 2 * INPUTS)


def fitted() -> nn.Module:
    """Return a model that predicts the targets exactly."""
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(2.0)
        net.bias.zero_()
    return net


def loss_of(net: nn.Module) -> Any:
    """Return the squared error as a function of the batch."""
    return lambda batch: functional.mse_loss(net(batch[0]), batch[1])


def test_a_trained_model_needs_its_inputs() -> None:
    """The gap is of the order of twice the targets' variance."""
    net = fitted()
    gap = shuffle_gap(net, loss_of(net), [BATCH])
    assert gap is not None
    assert gap > float(BATCH[1].var()) / 2


def test_a_constant_model_does_not() -> None:
    """The gap is zero, the outputs do not spread."""
    net = fitted()
    with torch.no_grad():
        net.weight.zero_()  # type: ignore[operator]
        net.bias.fill_(1.0)  # type: ignore[operator]
    assert shuffle_gap(net, loss_of(net), [BATCH]) == pytest.approx(0, abs=1e-7)
    assert output_spread(net, loss_of(net), [BATCH]) == 0


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 16])
def test_no_row_keeps_its_place(rows: int) -> None:
    """Every example loses its own input, however few there are."""
    net = nn.Identity()
    seen: list[Tensor] = []

    def loss(batch: Tensor) -> Tensor:
        seen.append(net(batch))
        return batch.sum()

    shuffle_gap(net, loss, [torch.arange(float(rows))])
    plain, permuted = seen
    assert torch.equal(plain, torch.arange(float(rows)))
    assert sorted(permuted.tolist()) == plain.tolist()
    assert (plain != permuted).all()


def test_a_single_row_cannot_be_permuted() -> None:
    """Nor can a loss that never calls the model's forward."""
    net = fitted()
    assert shuffle_gap(net, loss_of(net), [(INPUTS[:1], INPUTS[:1])]) is None
    around = shuffle_gap(net, lambda batch: functional.linear(batch[0], net.weight).mean(), [BATCH])  # type: ignore[arg-type]
    assert around is None
    assert output_spread(net, lambda batch: batch[0].mean(), [BATCH]) is None


class Keyword(nn.Module):
    """Takes its inputs by keyword, beside a mask and a flag."""

    def forward(self, *, x: Tensor, flag: bool, scale: Tensor) -> dict[str, Tensor]:
        """Return a mapping."""
        return {"y": x * scale if flag else x}


def test_inputs_by_keyword_and_outputs_in_a_mapping() -> None:
    """All tensors with as many rows move, others stay."""
    net = Keyword()

    def loss(batch: Any) -> Tensor:
        return functional.mse_loss(net(x=batch[0], flag=True, scale=torch.tensor(2.0))["y"], batch[1])

    gap = shuffle_gap(net, loss, [BATCH])
    assert gap is not None
    assert gap > 0.5
    assert (output_spread(net, loss, [BATCH]) or 0) > 0.5


def test_hooks_are_removed_even_after_an_error() -> None:
    """The model is left as it was."""
    net = fitted()

    def loss(batch: Any) -> Tensor:
        net(batch[0])
        msg = "inside"
        raise ValueError(msg)

    for probe in (shuffle_gap, output_spread):
        with pytest.raises(ValueError, match="inside"):
            probe(net, loss, [BATCH])
    assert not net._forward_pre_hooks
    assert not net._forward_hooks


def test_integer_inputs() -> None:
    """Tokens are permuted like anything else."""
    net = nn.Sequential(nn.Embedding(8, 4), nn.Linear(4, 8))
    tokens = torch.arange(8)
    gap = shuffle_gap(net, lambda batch: functional.cross_entropy(net(batch), batch), [tokens])
    assert gap is not None
    assert math.isfinite(gap)


class Linear(nn.Module):
    """Outputs its inputs, or their log-probabilities."""

    def __init__(self, *, normalised: bool) -> None:
        super().__init__()
        self.normalised = normalised

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.log_softmax(dim=1) if self.normalised else inputs


def test_the_constant_prediction_of_squared_error_is_the_mean() -> None:
    model, inputs = Linear(normalised=False), torch.tensor([[1.0], [3.0], [5.0], [7.0]])
    gap, mean_gap = constant_gaps(model, lambda batch: ((model(batch) - batch) ** 2).mean(), [inputs])
    assert gap == mean_gap == pytest.approx(float(inputs.var(unbiased=False)))


def test_the_constant_prediction_of_logits_is_no_class_in_particular() -> None:
    model, inputs, classes = Linear(normalised=False), 100 * torch.eye(4), torch.arange(4)
    gap, _ = constant_gaps(model, lambda batch: nn.functional.cross_entropy(model(batch), classes), [inputs])
    assert gap == pytest.approx(math.log(4), rel=1e-3)


def test_zero_is_no_log_probability() -> None:
    """As a prediction it would be worth nothing: a loss of 0."""
    model, inputs, classes = Linear(normalised=True), 5 * torch.eye(4), torch.arange(4)
    gap, mean_gap = constant_gaps(model, lambda batch: nn.functional.nll_loss(model(batch), classes), [inputs])
    assert gap == mean_gap
    assert gap is not None
    assert gap > 1.0


def test_a_model_worse_than_a_constant_has_a_gap_below_zero() -> None:
    """Confident and wrong: its own mean output loses less."""
    model, inputs, classes = Linear(normalised=False), 100 * torch.eye(4), torch.tensor([1, 2, 3, 0])
    _, mean_gap = constant_gaps(model, lambda batch: nn.functional.cross_entropy(model(batch), classes), [inputs])
    assert mean_gap == pytest.approx(math.log(4) - 100.0, rel=1e-3)


def test_without_a_call_of_forward_there_is_no_constant() -> None:
    model = Linear(normalised=False)
    assert constant_gaps(model, lambda batch: batch.mean(), [torch.ones(4, 1)]) == (None, None)
