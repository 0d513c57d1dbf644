"""The lines for a plain loop, run in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from tests.diagnosis.snippets.cases import (
    BASELINE,
    CHANGES,
    FACTORIES,
    LR,
    STEPS,
    WARMUP,
    batch,
    gradient_norm,
    options_of,
    own_schedule,
    small_model,
    subject_of,
    trained_lrs,
    trained_options,
    two_groups,
)
from trainsense.diagnosis.snippets import snippets
from trainsense.diagnosis.snippets.optimizer import GROUPS, GROUPS_AND_DECAY
from trainsense.diagnosis.snippets.pytorch import AFTER_STEP, BEFORE_STEP
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a loop with the snippet in it left behind."""

    lrs: list[float]
    norms: list[float]
    names: Mapping[str, Any]

    @property
    def model(self) -> nn.Module:
        """Return the trained model."""
        return self.names["model"]  # type: ignore[no-any-return]


def code_for(settings: Settings, subject: Subject, baseline: Settings = BASELINE) -> str:
    """Return the snippet."""
    return snippets(settings, baseline, subject)["pytorch"]


def trained(code: str, steps: int, **names: object) -> Trained:
    """Train with the three parts of `code` at their places."""
    rest, _, after = code.partition(AFTER_STEP)
    setup, _, before = rest.partition(BEFORE_STEP)
    space: dict[str, Any] = {"torch": torch, "model": small_model()} | names
    exec(setup, space)  # noqa: S102 - what a reader would paste
    model, optimizer = space["model"], space["optimizer"]
    lrs, norms = [], []
    for _ in range(steps):
        loss = model(batch()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        exec(before, space)  # noqa: S102
        norms.append(gradient_norm(model))
        lrs.append(optimizer.param_groups[-1]["lr"])
        optimizer.step()
        exec(after, space)  # noqa: S102
    return Trained(lrs=lrs, norms=norms, names=space)


@pytest.mark.parametrize("max_train_steps", [STEPS, None])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "inverse-sqrt", "own"])
def test_a_warmup_gives_every_step_the_lr_that_trainsense_trains_with(
    schedule: str, max_train_steps: int | None
) -> None:
    """Bit for bit, to the last step; the run grows by the warmup."""
    settings = Settings(lr=LR, warmup_steps=WARMUP)
    code = code_for(settings, subject_of(schedule, max_train_steps=max_train_steps))
    names: dict[str, object] = {"schedule": own_schedule} if schedule == "own" else {}
    if max_train_steps is None and schedule in {"linear", "cosine"}:
        assert "# total_steps: " in code
        names |= {"total_steps": STEPS}
    run = trained(code, STEPS + WARMUP, **names)
    assert run.lrs == trained_lrs(settings, schedule)
    assert run.names.get("max_train_steps") == (max_train_steps and STEPS + WARMUP)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "own"])
def test_without_a_warmup_todays_scheduler_stays(schedule: str) -> None:
    """The lr alone; with six digits."""
    code = code_for(Settings(lr=0.04641588833612779), subject_of(schedule))
    assert code.splitlines() == ["lr = 0.0464159", "optimizer = torch.optim.AdamW(model.parameters(), lr=lr)"]
    assert trained(code, 2).lrs == [0.0464159] * 2


@pytest.mark.parametrize(("factory", "name"), CHANGES)
def test_the_optimizer_is_the_one_that_trainsense_trains_with(factory: str, name: str | None) -> None:
    """Class and every option: momentum 0.9 for SGD, else torch's defaults; weight decay as it is carried over."""
    code = code_for(Settings(lr=LR, optimizer=name), subject_of(factory=FACTORIES[factory]))
    assert options_of(trained(code, 1).names["optimizer"]) == trained_options(factory, name)


def test_an_optimizer_that_cannot_be_written_down_is_built_by_the_user() -> None:
    """The warmup multiplies the lr of each of its groups."""
    settings = Settings(lr=LR, warmup_steps=WARMUP)
    model = small_model()
    code = code_for(settings, subject_of(factory=two_groups))
    assert "# build the optimizer as today, with this lr" in code
    run = trained(code, WARMUP + 1, model=model, optimizer=two_groups(model, LR))
    assert run.lrs == trained_lrs(settings, "constant")[: WARMUP + 1]
    assert [group["lr"] for group in run.names["optimizer"].param_groups] == [LR / 2, LR]


@pytest.mark.parametrize(("name", "caveat"), [("NAdam", GROUPS_AND_DECAY), ("AdamW", GROUPS)])
def test_another_optimizer_in_its_place_says_what_it_takes_over(name: str, caveat: str) -> None:
    """The groups are not in the line; a weight decay that means something else there is left behind."""
    code = code_for(Settings(lr=LR, optimizer=name), subject_of(factory=two_groups))
    assert caveat in code.splitlines()
    assert type(trained(code, 1).names["optimizer"]) is getattr(torch.optim, name)


@pytest.mark.parametrize("warmup_steps", [0, WARMUP])
def test_clipping_is_applied(warmup_steps: int) -> None:
    """At every step; alone and beside a warmup."""
    settings = Settings(lr=LR, clip_norm=0.125, warmup_steps=warmup_steps)
    run = trained(code_for(settings, subject_of()), warmup_steps + 10)
    assert max(run.norms) <= 0.125 * (1 + 1e-6)
    assert max(trained(code_for(Settings(lr=LR), subject_of()), 10).norms) > 0.25
    assert run.lrs == trained_lrs(settings, "constant")[: warmup_steps + 10]


def test_only_a_change_of_clipping_is_named() -> None:
    """None where it is as today; where it goes, that it goes; where it changes, what from."""
    subject, today = subject_of(), Settings(lr=0.3, clip_norm=1.0)
    assert "clip" not in code_for(Settings(lr=LR, clip_norm=1.0), subject, today)
    gone = code_for(Settings(lr=LR), subject, today)
    assert BEFORE_STEP not in gone
    assert gone.splitlines()[-1] == "# take clip_grad_norm_ out of the loop"
    assert code_for(Settings(lr=LR, clip_norm=1.7), subject, today).splitlines()[-2:] == [
        BEFORE_STEP,
        "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.7)  # instead of 1",
    ]


def test_edits_come_before_the_optimizer_in_their_order() -> None:
    """So that it holds the parameters of a model that was rebuilt."""
    edits = ("zero-init-residual", "normalize-inputs")
    code = code_for(Settings(lr=LR, edits=edits), subject_of())
    run = trained(code, 0)
    model = run.model
    assert isinstance(model, nn.Sequential)
    assert isinstance(model[0], nn.LayerNorm)
    assert model.get_parameter("2.bias").item() == 0.25
    assert len(run.names["optimizer"].param_groups[0]["params"]) == len(list(model.parameters()))
    assert "def fill" not in code_for(Settings(lr=LR, edits=edits), subject_of(), Settings(lr=0.3, edits=edits[:1]))


def test_an_edit_without_code_is_named() -> None:
    """Never left out in silence."""
    code = code_for(Settings(lr=LR, edits=("pre-norm",)), subject_of())
    assert "# make this edit of the model by hand: pre-norm" in code
