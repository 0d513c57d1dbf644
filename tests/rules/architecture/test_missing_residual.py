"""Deep plain stacks: drawn where they measurably carry nothing."""

from dataclasses import replace

import pytest
from torch import nn

from tests.looking import findings
from tests.rules.architecture.digits import on_digits, serious, stack
from tests.rules.evidence import drawn, open_, quiet
from trainsense.records.evidence import Architecture, PlainStack, WarmStart

RULE = "missing-residual"


def made(stack: PlainStack | None) -> Architecture:
    return Architecture(sums=(), stack=stack, batch_norms=(), warmup_steps=0)


def plain(depth: int, **measured: float) -> PlainStack:
    healthy = PlainStack(
        layers=tuple(f"layers.{index}" for index in range(depth)),
        norms=0,
        narrowest=48,
        first_varying=0.4,
        last_varying=0.3,
        first_dimensions=9.0,
        last_dimensions=5.0,
        gradient_ratio=1.0,
    )
    return replace(healthy, **measured)  # type: ignore[arg-type]


def test_a_deep_stack_of_default_layers_is_drawn() -> None:
    """Torch's default initialisation shrinks what differs; both remedies are named, every layer is located."""
    found = findings(on_digits(lambda: stack(20)))
    assert found[RULE].severity == "error"
    assert found[RULE].fixes == ("add-residual", "add-normalization")
    assert [one.module for one in found[RULE].locations][:2] == ["0", "2"]
    assert "missing-normalization" in found


def test_thirty_he_initialised_layers_are_drawn() -> None:
    """Their scale is kept, the directions in which examples differ are not."""
    found = findings(on_digits(lambda: stack(30, start=nn.init.kaiming_normal_)))
    assert found[RULE].severity == "warning"


def test_thirty_layers_with_batch_norm_are_drawn() -> None:
    """The gradient explodes on its way back."""
    found = findings(on_digits(lambda: stack(32, norm=nn.BatchNorm1d)))
    assert "gradient" in found[RULE].title
    assert found[RULE].fixes == ("add-residual",)


@pytest.mark.parametrize(
    "model",
    [
        lambda: stack(8),
        lambda: stack(16, start=nn.init.kaiming_normal_),
        lambda: stack(30, nn.Tanh, start=nn.init.orthogonal_),
        lambda: stack(30, nn.SELU, start=lambda weight: nn.init.normal_(weight, std=weight.shape[1] ** -0.5)),
        lambda: stack(12, norm=nn.LayerNorm),
        lambda: stack(16, norm=nn.BatchNorm1d),
    ],
    ids=["8 default", "16 He", "30 orthogonal tanh", "30 SELU", "12 LayerNorm", "16 BatchNorm"],
)
def test_stacks_that_train_are_not(model: object) -> None:
    """Depth alone is no fault."""
    assert not serious(findings(on_digits(model)))  # type: ignore[arg-type]


def test_the_judge() -> None:
    """Depth and harm together; a warm start that learns excuses, and what was not seen is not judged."""
    drawn(RULE, made(plain(10, last_varying=1e-6)))
    quiet(RULE, made(plain(9, last_varying=1e-6)))
    quiet(RULE, made(plain(12, last_varying=1e-6, first_varying=2e-6)))
    drawn(RULE, made(plain(16, last_dimensions=1.5)))
    quiet(RULE, made(plain(16, last_dimensions=1.5, first_dimensions=2.0)))
    quiet(RULE, made(plain(16, last_dimensions=1.5, narrowest=2)))
    drawn(RULE, made(plain(30, gradient_ratio=500.0)))
    quiet(RULE, made(plain(19, gradient_ratio=500.0)))
    learnt = WarmStart(lr=1e-3, users=True, steps=30, initial_loss=2.5, loss=1.0, constant_loss=2.3, failed="")
    quiet(RULE, made(plain(10, last_varying=1e-6)), learnt)
    quiet(RULE, made(replace(plain(3), first_varying=None, last_varying=None)))
    assert "not seen" in open_(RULE, made(replace(plain(12), last_varying=None)))
    assert "no trained layer" in open_(RULE, made(None))
