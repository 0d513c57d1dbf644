"""The look at how the model is put together."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.looking import judgements_on, looked
from tests.rules.architecture.digits import LABELS, PIXELS, on_digits, stack
from trainsense.records.evidence import Architecture
from trainsense.records.finding import NotAssessed


class Hidden(nn.Module):
    """A network whose body runs in a reentrant checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = stack(12), nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Any:
        """Give the logits."""
        return self.head(checkpoint(self.body, x.requires_grad_(), use_reentrant=True))


def test_what_does_not_show_is_not_judged() -> None:
    """With the reason, and what would settle it."""
    said = judgements_on(on_digits(Hidden))
    for rule in ("missing-residual", "post-norm-residual", "small-batch-norm"):
        one = said[rule]
        assert isinstance(one, NotAssessed)
        assert "CheckpointFunction" in one.reason


def test_a_small_last_batch_does_not_stand_for_all() -> None:
    """Of an epoch of 32, 32 and 2 examples."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.split(torch.arange(66), 32):
            yield PIXELS[rows], LABELS[rows]

    workload = replace(on_digits(lambda: stack(3, norm=nn.BatchNorm1d)), data=data)
    found = next(one for one in looked(workload, only=[Architecture]) if isinstance(one, Architecture))
    assert [one.examples for one in found.batch_norms] == [32, 32]


def test_compiled_models_are_read_as_they_are_written() -> None:
    """By running them eagerly."""
    workload = on_digits(lambda: torch.compile(stack(4), backend="eager"))  # type: ignore[arg-type,return-value]
    found = next(one for one in looked(workload, only=[Architecture]) if isinstance(one, Architecture))
    assert found.stack is not None
    assert found.stack.depth == 4
