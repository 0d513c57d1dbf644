"""The lines for Lightning, in a module that its `Trainer` fits."""

from functools import partial
from textwrap import indent
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tests.diagnosis.snippets.cases import (
    BASELINE,
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
from trainsense.diagnosis.snippets.lightning import IN_INIT, IN_MODULE, IN_TRAINER
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

MODULE = """
class Module(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = small_model()
        self.lrs, self.norms = [], []
{in_init}
    def training_step(self, inputs, index):
        return self.model(inputs).square().mean()

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)
        self.lrs.append(optimizer.param_groups[-1]["lr"])
        self.norms.append(gradient_norm(self))

{in_module}
"""
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),  # Lightning's own use of torch
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),  # advice on a data loader
    pytest.mark.filterwarnings("ignore:GPU available but not used:UserWarning"),  # advice where there is one
]


@pytest.fixture(scope="module")
def lightning() -> Any:
    """Give the package where it is installed."""
    return pytest.importorskip("lightning", reason="needs lightning: pip install 'trainsense-diagnostics[lightning]'")


def fitted(lightning: Any, settings: Settings, subject: Subject, baseline: Settings = BASELINE, steps: int = 3) -> Any:
    """Return the module after `steps` steps, or as many as the snippet says."""
    code = snippets(settings, baseline, subject)["lightning"]
    rest, _, in_trainer = code.partition(IN_TRAINER)
    rest, _, in_module = rest.partition(IN_MODULE)
    at_top, _, in_init = rest.partition(IN_INIT)
    trainer = partial(lightning.Trainer, max_steps=steps, max_epochs=-1, barebones=True, accelerator="cpu")
    names: dict[str, Any] = {
        "L": SimpleNamespace(LightningModule=lightning.LightningModule, Trainer=trainer),
        "torch": torch,
        "small_model": small_model,
        "gradient_norm": gradient_norm,
        "schedule": own_schedule,
        "build_optimizer": lambda module, lr: two_groups(module.model, lr),
    }
    exec(at_top + MODULE.format(in_init=indent(in_init, " " * 8), in_module=indent(in_module, " " * 4)), names)  # noqa: S102
    exec(in_trainer or "trainer = L.Trainer()", names)  # noqa: S102 - what a reader would paste
    module = names["Module"]()
    rows: Any = [*batch()]
    names["trainer"].fit(module, torch.utils.data.DataLoader(rows, batch_size=8))
    return module


@pytest.mark.parametrize("max_train_steps", [STEPS, None])
@pytest.mark.parametrize("warmup_steps", [0, WARMUP])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "inverse-sqrt", "own"])
def test_every_step_has_the_lr_that_trainsense_trains_with(
    lightning: Any, schedule: str, warmup_steps: int, max_train_steps: int | None
) -> None:
    """To the last step: the method keeps today's schedule, and the length is known or asked for."""
    settings = Settings(lr=LR, warmup_steps=warmup_steps)
    module = fitted(
        lightning, settings, subject_of(schedule, max_train_steps=max_train_steps), steps=STEPS + warmup_steps
    )
    assert module.lrs == trained_lrs(settings, schedule)


@pytest.mark.parametrize(
    ("factory", "name"), [("AdamW, all set", None), ("AdamW", "SGD"), ("SGD, all set", "NAdam"), ("SGD", "RMSprop")]
)
def test_the_optimizer_is_the_one_that_trainsense_trains_with(lightning: Any, factory: str, name: str | None) -> None:
    """Class and every option."""
    module = fitted(lightning, Settings(lr=LR, optimizer=name), subject_of(factory=FACTORIES[factory]))
    assert options_of(module.optimizers().optimizer) == trained_options(factory, name)


def test_an_optimizer_that_cannot_be_written_down_is_asked_for(lightning: Any) -> None:
    """By a function of the module and the lr, as in a workload."""
    settings = Settings(lr=LR, warmup_steps=WARMUP)
    module = fitted(lightning, settings, subject_of(factory=two_groups))
    assert module.lrs == trained_lrs(settings, "constant")
    assert [group["lr"] for group in module.optimizers().param_groups] == [LR / 2, LR]


@pytest.mark.parametrize(
    ("clip_norm", "before", "expected"),
    [(0.125, None, 0.125), (0.125, 1.0, 0.125), (None, 1.0, None), (1.0, 1.0, None)],
)
def test_clipping_is_applied_where_it_changes(
    lightning: Any, clip_norm: float | None, before: float | None, expected: float | None
) -> None:
    """By its global L2 norm."""
    module = fitted(lightning, Settings(lr=LR, clip_norm=clip_norm), subject_of(), Settings(lr=0.3, clip_norm=before))
    assert module.trainer.gradient_clip_val == expected
    assert (max(module.norms) <= 0.125 * (1 + 1e-6)) == (expected is not None)


def test_edits_are_made_in_the_module(lightning: Any) -> None:
    """Before the optimizer is configured, of which the trained lr is witness."""
    settings = Settings(lr=1e-9, edits=("zero-init-residual", "normalize-inputs"), clip_norm=0.125, warmup_steps=2)
    module = fitted(lightning, settings, subject_of("cosine"))
    assert isinstance(module.model[0], nn.LayerNorm)
    assert module.model[2].bias.item() == pytest.approx(0.25, abs=1e-6)
    assert module.lrs == trained_lrs(settings, "cosine")
