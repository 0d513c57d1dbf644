"""Lines for a plain PyTorch loop."""

from typing import Final

from trainsense.diagnosis.snippets.edits import edit_lines
from trainsense.diagnosis.snippets.optimizer import optimizer_call
from trainsense.diagnosis.snippets.schedule import ON_TOP, imports, scheduler_lines
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

BEFORE_STEP: Final = "# between loss.backward() and optimizer.step():"
"""Opens the second part; what stands before it is run once, after the model is built."""
AFTER_STEP: Final = "# after every optimizer.step():"
"""Opens the third part."""


def pytorch(settings: Settings, baseline: Settings, subject: Subject) -> str:
    """Return lines that expect `model`; and `optimizer`, `schedule`, `total_steps` where a comment says so."""
    call = optimizer_call(settings, subject)
    optimizer = ["# build the optimizer as today, with this lr"] if call is None else call.lines("model.parameters()")
    scheduler = _warmup(settings, subject)
    lines = [*imports(scheduler), f"lr = {settings.lr:.6g}", *edit_lines(settings, baseline, subject), *optimizer]
    lines += scheduler
    if settings.clip_norm is None and baseline.clip_norm is not None:
        lines.append("# take clip_grad_norm_ out of the loop")
    elif settings.clip_norm != baseline.clip_norm:
        today = "" if baseline.clip_norm is None else f"  # instead of {baseline.clip_norm:.6g}"
        clip = f"torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm={settings.clip_norm:.6g})"
        lines += [BEFORE_STEP, clip + today]
    if settings.warmup_steps:
        lines += [AFTER_STEP, "warmup.step()"]
    return "\n".join(lines)


def _warmup(settings: Settings, subject: Subject) -> list[str]:
    """Return the warmup's lines; today's scheduler stays as it is where there is none."""
    if not settings.warmup_steps:
        return []
    steps = subject.max_train_steps
    lines = scheduler_lines(settings, subject, "total_steps" if steps is None else str(steps))
    if steps is not None:
        return [*lines, f"max_train_steps = {steps} + {settings.warmup_steps}{ON_TOP}"]
    if any("total_steps" in line for line in lines):
        return ["# total_steps: the steps of your run; the warmup comes on top", *lines]
    return lines
