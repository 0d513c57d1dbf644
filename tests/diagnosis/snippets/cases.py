"""What the snippets of every framework are executed on, and what trainsense itself would train with."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from trainsense import Workload
from trainsense.records.model_edit import EditSurvey
from trainsense.records.plan import Subject
from trainsense.records.settings import OPTIMIZERS, Settings
from trainsense.records.trial import Trial
from trainsense.workload.optimizers import build_optimizer, code_of
from trainsense.workload.schedule import factors

STEPS: Final = 12
WARMUP: Final = 5
LR: Final = 0.03
BASELINE: Final = Settings(lr=0.3)
Factory = Callable[[nn.Module, float], torch.optim.Optimizer]
FACTORIES: Final[dict[str, Factory]] = {
    "AdamW": lambda model, lr: torch.optim.AdamW(model.parameters(), lr=lr),
    "AdamW, all set": lambda model, lr: torch.optim.AdamW(
        model.parameters(), lr=lr, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1
    ),
    "Adam": lambda model, lr: torch.optim.Adam(model.parameters(), lr=lr),
    "Adam, decaying": lambda model, lr: torch.optim.Adam(model.parameters(), lr=lr, weight_decay=5e-4),
    "SGD": lambda model, lr: torch.optim.SGD(model.parameters(), lr=lr),
    "SGD, all set": lambda model, lr: torch.optim.SGD(
        model.parameters(), lr=lr, momentum=0.8, nesterov=True, weight_decay=5e-4
    ),
    "RMSprop": lambda model, lr: torch.optim.RMSprop(model.parameters(), lr=lr),
    "Adagrad": lambda model, lr: torch.optim.Adagrad(model.parameters(), lr=lr),
}
"""Optimizers of users."""
CHANGES: Final = [(factory, name) for factory in FACTORIES for name in (None, *OPTIMIZERS)]
"""Each kept, and exchanged for each by name."""
EDIT: Final = EditSurvey(
    edit="zero-init-residual",
    changes=("1",),
    reason="",
    code="""from math import sqrt


def fill(parameter):
    with torch.no_grad():
        parameter.fill_(sqrt(0.0625))


for name in ("1.bias",):
    fill(model.get_parameter(name))
""",
    advice="Fill the last bias.",
)
REBUILDING: Final = EditSurvey(
    edit="normalize-inputs",
    changes=("0",),
    reason="",
    code="model = torch.nn.Sequential(torch.nn.LayerNorm(3), *model)",
    advice="Normalise first.",
)


def small_model() -> nn.Sequential:
    """Return a model whose gradients are large: its inputs are."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


def batch() -> torch.Tensor:
    """Return inputs, (8, 3)."""
    return 3.0 * torch.ones(8, 3)


def own_schedule(step: int) -> float:
    """Warm up over three steps and fall slowly: its first factor is not 1."""
    return min(1.0, (step + 1) / 3) / (1.0 + 0.01 * step)


def workload_of(schedule: str, factory: Factory = FACTORIES["AdamW"]) -> Workload:
    """Return the workload whose user's schedule is named so."""
    return Workload(
        model=small_model,
        data=lambda: [batch()],
        loss=lambda model, inputs: model(inputs).square().mean(),
        optimizer=factory,
        schedule=own_schedule if schedule == "own" else schedule,
        max_train_steps=STEPS,
    )


def subject_of(
    schedule: str = "constant", factory: Factory = FACTORIES["AdamW"], max_train_steps: int | None = STEPS
) -> Subject:
    """Return what the stages know of `workload_of(schedule, factory)`."""
    model = small_model()
    optimizer = factory(model, LR)
    return Subject(
        max_train_steps=max_train_steps,
        optimizer=type(optimizer).__name__,
        optimizer_code=code_of(optimizer, model),
        schedule=schedule,
        edits=(EDIT, REBUILDING),
    )


def two_groups(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Build what cannot be written down in a line."""
    assert isinstance(model, nn.Sequential)
    groups: list[dict[str, Any]] = [{"params": model[0].parameters(), "lr": lr / 2}, {"params": model[1].parameters()}]
    return torch.optim.SGD(groups, lr=lr, weight_decay=0.01)


def trained_lrs(settings: Settings, schedule: str) -> list[float]:
    """Return the lr of each step as trainsense trains: the schedule over `STEPS` steps, a warmup on top."""
    steps = STEPS + settings.warmup_steps
    factor = factors(workload_of(schedule), settings.applied(Trial(lr=settings.lr, seed=0, steps=steps)))
    return [settings.lr * factor(step) for step in range(steps)]


def trained_options(factory: str, name: str | None) -> dict[str, object]:
    """Return all options of the optimizer that trainsense trains with."""
    model = small_model()
    return options_of(build_optimizer(workload_of("constant", FACTORIES[factory]), model, LR, name))


def options_of(optimizer: torch.optim.Optimizer) -> dict[str, object]:
    """Return the class and the settings of the first parameter group."""
    group = optimizer.param_groups[0]
    return {"class": type(optimizer)} | {
        name: value for name, value in group.items() if name not in {"params", "initial_lr"}
    }


def gradient_norm(model: nn.Module) -> float:
    """Return the global L2 norm."""
    return float(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm())
