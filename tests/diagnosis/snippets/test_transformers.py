"""The lines for transformers, in a `Trainer` that trains."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
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
    Factory,
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
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings


class WithLoss(nn.Sequential):
    """A model as transformers wants it: its output is a mapping with the loss."""

    def forward(self, inputs: torch.Tensor) -> Any:
        """Return the loss."""
        return {"loss": super().forward(inputs).square().mean()}  # type: ignore[no-untyped-call]


@dataclass
class Seen:
    """What a callback saw at each step, and the trainer."""

    lrs: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    trainer: Any = None

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Return the optimizer, taken out of accelerate's."""
        return self.trainer.optimizer.optimizer  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def installed() -> Iterator[Any]:
    """Give the package where it is installed."""
    reason = "needs transformers: pip install 'trainsense-diagnostics[transformers]'"
    pytest.importorskip("accelerate", reason=reason)
    package = pytest.importorskip("transformers", reason=reason)
    gc.freeze()  # every train() collects the garbage: without this it looks through all of torch each time
    yield package
    gc.unfreeze()


@pytest.fixture
def transformers(installed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the package; the output directory of the snippets lies in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return installed


def trained(
    transformers: Any,
    settings: Settings,
    subject: Subject,
    baseline: Settings = BASELINE,
    steps: int = 3,
    factory: Factory | None = None,
) -> Seen:
    """Return what was seen over `steps` steps, or as many as the snippet says."""
    model = WithLoss(*small_model())
    quiet = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "logging_strategy": "no", "use_cpu": True}
    space: dict[str, Any] = {
        "torch": torch,
        "TrainingArguments": partial(transformers.TrainingArguments, max_steps=steps, **quiet),
        "Trainer": transformers.Trainer,
        "model": model,
        "train_dataset": [{"inputs": row} for row in batch()],
        "schedule": own_schedule,
    }
    if factory is not None:
        space["optimizer"] = factory(model, settings.lr)
    exec(snippets(settings, baseline, subject)["transformers"], space)  # noqa: S102 - what a reader would paste
    trainer = space.get("trainer")
    if trainer is None:
        trainer = transformers.Trainer(model=space["model"], args=space["args"], train_dataset=space["train_dataset"])
    seen = Seen(trainer=trainer)

    def look(*_: object, model: nn.Module, optimizer: torch.optim.Optimizer, **__: object) -> None:
        seen.lrs.append(optimizer.param_groups[-1]["lr"])
        seen.norms.append(gradient_norm(model))

    trainer.add_callback(type("Look", (transformers.TrainerCallback,), {"on_pre_optimizer_step": look}))
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    return seen


@pytest.mark.parametrize("max_train_steps", [STEPS, None])
@pytest.mark.parametrize("warmup_steps", [0, WARMUP])
@pytest.mark.parametrize("factory", ["AdamW", "SGD, all set"])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "inverse-sqrt", "own"])
def test_every_step_has_the_lr_that_trainsense_trains_with(
    transformers: Any, schedule: str, factory: str, warmup_steps: int, max_train_steps: int | None
) -> None:
    """To the last step; but the warmup of a schedule that the arguments name starts from 0, one step late."""
    settings = Settings(lr=LR, warmup_steps=warmup_steps)
    subject = subject_of(schedule, FACTORIES[factory], max_train_steps=max_train_steps)
    seen = trained(transformers, settings, subject, steps=STEPS + warmup_steps)
    expected = trained_lrs(settings, schedule)
    if schedule in {"constant", "linear", "cosine"}:
        expected[:warmup_steps] = [LR * step / WARMUP for step in range(warmup_steps)]
    assert seen.lrs == pytest.approx(expected, rel=1e-12, abs=0.0)


@pytest.mark.parametrize(("factory", "name"), CHANGES)
def test_the_optimizer_is_the_one_that_trainsense_trains_with(
    transformers: Any, factory: str, name: str | None
) -> None:
    """Class and every option; where the arguments say it, Adam is AdamW without decay, and biases do not decay."""
    settings, subject = Settings(lr=LR, optimizer=name), subject_of(factory=FACTORIES[factory])
    expected = trained_options(factory, name)
    if "optimizers=" not in snippets(settings, BASELINE, subject)["transformers"]:
        assert expected["class"] is torch.optim.AdamW or not expected["weight_decay"]
        if expected["class"] is torch.optim.Adam:
            expected |= {"class": torch.optim.AdamW, "decoupled_weight_decay": True}
    optimizer = trained(transformers, settings, subject, steps=1).optimizer
    assert options_of(optimizer) == expected
    assert all(group["weight_decay"] == 0.0 for group in optimizer.param_groups[1:])


@pytest.mark.parametrize(
    ("factory", "optim"), [("AdamW", "adamw_torch"), ("Adam", "adamw_torch"), ("SGD", "sgd"), ("RMSprop", "rmsprop")]
)
def test_what_the_arguments_can_say_is_said_there(factory: str, optim: str) -> None:
    """No Trainer is built in the snippet then."""
    code = snippets(Settings(lr=LR), BASELINE, subject_of(factory=FACTORIES[factory]))["transformers"]
    assert f'optim="{optim}",' in code
    assert f"learning_rate={LR}," in code
    assert "Trainer(" not in code


def test_an_optimizer_that_cannot_be_written_down_is_handed_over(transformers: Any) -> None:
    """With the scheduler that the arguments name."""
    settings = Settings(lr=LR, warmup_steps=WARMUP)
    seen = trained(transformers, settings, subject_of("linear", two_groups), factory=two_groups)
    assert seen.lrs[WARMUP:] == pytest.approx(trained_lrs(settings, "linear")[WARMUP:], rel=1e-12)
    assert [group["initial_lr"] for group in seen.optimizer.param_groups] == [LR / 2, LR]


@pytest.mark.parametrize("optimizer", [None, "SGD"])
@pytest.mark.parametrize(
    ("clip_norm", "before"), [(0.125, None), (0.125, 1.0), (0.125, 0.125), (None, 1.0), (None, None)]
)
def test_clipping_is_as_the_settings_say(
    transformers: Any, clip_norm: float | None, before: float | None, optimizer: str | None
) -> None:
    """Always said: the default is 1.0."""
    settings = Settings(lr=LR, clip_norm=clip_norm, optimizer=optimizer)
    seen = trained(transformers, settings, subject_of(), Settings(lr=0.3, clip_norm=before))
    assert seen.trainer.args.max_grad_norm == (clip_norm or 0.0)
    assert (max(seen.norms) <= 0.125 * (1 + 1e-6)) == (clip_norm is not None)
    assert clip_norm is not None or max(seen.norms) > 1.0


@pytest.mark.parametrize("schedule", ["cosine", "own"])
def test_edits_are_made_before_the_trainer_is(transformers: Any, schedule: str) -> None:
    """And before the optimizer, where it is built."""
    settings = Settings(lr=1e-9, edits=("zero-init-residual",), clip_norm=0.125, warmup_steps=2)
    seen = trained(transformers, settings, subject_of(schedule))
    assert seen.trainer.model[1].bias.item() == pytest.approx(0.25, abs=1e-6)
