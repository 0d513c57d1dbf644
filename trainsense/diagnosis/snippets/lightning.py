"""Lines for a `LightningModule` and its `Trainer`."""

from textwrap import indent
from typing import Final

from trainsense.diagnosis.snippets.edits import edit_lines
from trainsense.diagnosis.snippets.optimizer import optimizer_call
from trainsense.diagnosis.snippets.schedule import ON_TOP, imports, scheduler_lines, scheduler_name
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

IN_INIT: Final = "# at the end of the LightningModule's __init__, where self.model is built:"
IN_MODULE: Final = "# in the LightningModule:"
IN_TRAINER: Final = "# the Trainer's arguments, beside yours (import lightning as L):"
"""Each opens a part; an import may stand before the first."""


def lightning(settings: Settings, baseline: Settings, subject: Subject) -> str:
    """Return lines that say where they belong; they may expect `schedule` or `build_optimizer`, as a comment says."""
    method = _configure_optimizers(settings, subject)
    lines = imports(method)
    edits = edit_lines(settings, baseline, subject)
    if edits:
        lines += [IN_INIT, "model = self.model", *edits, "self.model = model"]
    lines += [IN_MODULE, *method]
    arguments = _trainer_arguments(settings, baseline, subject)
    if arguments:
        lines += [IN_TRAINER, "trainer = L.Trainer(", *(f"    {argument}" for argument in arguments), ")"]
    return "\n".join(lines)


def _configure_optimizers(settings: Settings, subject: Subject) -> list[str]:
    """Return the method whole: pasted over today's, it must not lose today's schedule."""
    call = optimizer_call(settings, subject)
    own = ["optimizer = build_optimizer(self, lr)  # as today, with this lr"]
    body = [f"lr = {settings.lr:.6g}", *(own if call is None else call.lines("self.parameters()"))]
    scheduler = scheduler_lines(settings, subject, str(subject.max_train_steps or "total_steps"))
    if any("total_steps" in line for line in scheduler):
        less = " - warmup_steps" if settings.warmup_steps else ""
        first = 1 if settings.warmup_steps else 0
        scheduler.insert(first, f"total_steps = self.trainer.estimated_stepping_batches{less}")
    body += scheduler
    name = scheduler_name(settings, subject)
    body.append(
        f'return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": {name}, "interval": "step"}}}}'
        if name
        else "return optimizer"
    )
    return ["def configure_optimizers(self):", *indent("\n".join(body), "    ").split("\n")]


def _trainer_arguments(settings: Settings, baseline: Settings, subject: Subject) -> list[str]:
    arguments = []
    if settings.clip_norm is None and baseline.clip_norm is not None:
        arguments.append("gradient_clip_val=None,")
    elif settings.clip_norm != baseline.clip_norm:
        arguments += [f"gradient_clip_val={settings.clip_norm:.6g},", 'gradient_clip_algorithm="norm",']
    if settings.warmup_steps and subject.max_train_steps is not None:
        arguments.append(f"max_steps={subject.max_train_steps} + {settings.warmup_steps},{ON_TOP}")
    return arguments
