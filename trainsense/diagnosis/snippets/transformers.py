"""Lines for the `Trainer` of transformers.

What `TrainingArguments` can say in every version from 4.46 on is said there; else the optimizer is built and handed to
`Trainer`. They know no NAdam; SGD and RMSprop ignored `optim_args` until 2026 (huggingface/transformers#44203), and
`inverse_sqrt` ignored its `timescale` in older versions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trainsense.diagnosis.snippets.edits import edit_lines
from trainsense.diagnosis.snippets.optimizer import OptimizerCall, optimizer_call
from trainsense.diagnosis.snippets.schedule import ON_TOP, imports, scheduler_lines, scheduler_name
from trainsense.records.plan import Subject
from trainsense.records.settings import Settings

OPTIM: Final[Mapping[str, str]] = MappingProxyType(
    {"AdamW": "adamw_torch", "Adam": "adamw_torch", "SGD": "sgd", "RMSprop": "rmsprop"}
)
"""`optim` by class; without weight decay AdamW is Adam."""
NAMED_ALIKE: Final = ("constant", "linear", "cosine")
"""Schedules that `lr_scheduler_type` knows as trainsense does; but its warmup starts from 0, and so lags by one step."""


def transformers(settings: Settings, baseline: Settings, subject: Subject) -> str:
    """Return lines that expect `model`; and `optimizer`, `schedule`, `train_dataset` where they are named."""
    call = optimizer_call(settings, subject)
    by_name = subject.schedule in NAMED_ALIKE
    optim = _optim(call) if call is not None and by_name else None
    built = _built(call, settings, subject) if optim is None else []
    arguments = [
        'output_dir="output",  # and your other arguments',
        *([] if optim is None else [f"learning_rate={settings.lr:.6g},", *optim]),
        *(_schedule(settings, subject) if by_name else []),
        *_length(settings, subject),
        _clipping(settings),
    ]
    lines = [*imports(built), *edit_lines(settings, baseline, subject), *built]
    lines += ["args = TrainingArguments(", *(f"    {argument}" for argument in arguments), ")"]
    if optim is None:
        handed = f"optimizers=(optimizer, {'None' if by_name else scheduler_name(settings, subject)})"
        lines.append(f"trainer = Trainer(model=model, args=args, train_dataset=train_dataset, {handed})")
    return "\n".join(lines)


def _built(call: OptimizerCall | None, settings: Settings, subject: Subject) -> list[str]:
    """Return the lines that build what is handed to `Trainer`."""
    optimizer = ["# build the optimizer as today, with this lr"] if call is None else call.lines("model.parameters()")
    scheduler = [] if subject.schedule in NAMED_ALIKE else scheduler_lines(settings, subject, "total_steps")
    return [f"lr = {settings.lr:.6g}", *optimizer, *scheduler]


def _optim(call: OptimizerCall) -> list[str] | None:
    """Return the optimizer as arguments of `TrainingArguments`; None where they cannot say it."""
    adam, decays = call.name in {"Adam", "AdamW"}, call.weight_decay > 0
    sayable = {"weight_decay", "betas", "eps"} if adam else {"weight_decay"}
    if call.name not in OPTIM or call.caveat or call.arguments.keys() - sayable:
        return None
    if decays and call.name != "AdamW":
        return None  # the others add it to the gradient, biases and norms included
    lines = [
        f'optim="{OPTIM[call.name]}",' + ("  # without weight decay it is Adam" if call.name == "Adam" else ""),
        f"weight_decay={call.weight_decay!r}," + ("  # Trainer spares biases and layer norms" if decays else ""),
    ]
    if "betas" in call.arguments:
        beta1, beta2 = call.arguments["betas"]
        lines += [f"adam_beta1={beta1!r},", f"adam_beta2={beta2!r},"]
    if "eps" in call.arguments:
        lines.append(f"adam_epsilon={call.arguments['eps']!r},")
    return lines


def _schedule(settings: Settings, subject: Subject) -> list[str]:
    """Return the schedule by its name; left out it would be `linear`."""
    if not settings.warmup_steps:
        return [f'lr_scheduler_type="{subject.schedule}",']
    name = "constant_with_warmup" if subject.schedule == "constant" else subject.schedule
    longer = "" if subject.max_train_steps is not None else "  # on top: lengthen the run by as many steps"
    return [f'lr_scheduler_type="{name}",', f"warmup_steps={settings.warmup_steps},{longer}"]


def _length(settings: Settings, subject: Subject) -> list[str]:
    if not settings.warmup_steps or subject.max_train_steps is None:
        return []
    return [f"max_steps={subject.max_train_steps} + {settings.warmup_steps},{ON_TOP}"]


def _clipping(settings: Settings) -> str:
    if settings.clip_norm is None:
        return "max_grad_norm=0.0,  # no clipping; left out it would be 1.0"
    return f"max_grad_norm={settings.clip_norm:.6g},"
