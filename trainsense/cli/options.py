"""The options that every running command shares, as typer reads them and the command gets them."""

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from trainsense.cli.settings.known import BY_FIELD

FILES_OF_RUNS: Final = frozenset({"output"})


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where a document goes and what fails; unchecked. See CONTRACT 2 for the meaning of each."""

    format: Annotated[
        str,
        typer.Option(
            "--format", help="What standard output carries: text, json, markdown, junit, sarif, github or html."
        ),
    ] = "text"
    output: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="FORMAT=PATH", help="Write a file beside it, repeatable: json=report.json."),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Full tracebacks.")] = False


FailOn = Annotated[str, typer.Option("--fail-on", help="Exit 1 from this severity on: error, warning, note or never.")]


@dataclass(frozen=True, kw_only=True)
class RunOptions(OutputOptions):
    """What was typed for a running command, unchecked; see CONTRACT 2 for the meaning of each."""

    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD", help="file.py, file.py:name, package.module or package.module:name.", show_default=False
        ),
    ]
    lr: Annotated[
        float | None, typer.Option("--lr", help="The learning rate you train with, instead of the workload's.")
    ] = None
    steps: Annotated[
        int | None, typer.Option("--steps", help="Optimizer steps of one trial, at least 20; else from the budget.")
    ] = None
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="Seeds at the settings that matter; else as the protocol has it.")
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="The first seed.")] = 0
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")] = "auto"
    engine: Annotated[
        str, typer.Option("--engine", help="How trials are run: auto, sequential, stacked, processes or ray.")
    ] = "auto"
    jobs: Annotated[
        int | None, typer.Option("--jobs", help="Worker processes at most; else as many as there are cores.")
    ] = None
    cpus_per_trial: Annotated[
        float | None, typer.Option("--cpus-per-trial", help="CPUs of one trial, with --engine ray; else 1.")
    ] = None
    gpus_per_trial: Annotated[
        float | None,
        typer.Option("--gpus-per-trial", help="GPUs likewise, 0.5 for half of one; else 1 on a GPU and 0 on a CPU."),
    ] = None
    compile: Annotated[
        bool, typer.Option("--compile", help="Let torch compile stacks: 3 to 20 s first, for each number of trials.")
    ] = False
    budget: Annotated[
        str, typer.Option("--budget", help="What may be spent: 90s, 10m, 20000steps or none (no limit).")
    ] = "10m"
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", help="Where trials are kept; else .trainsense/<workload name>.", show_default=False),
    ] = None
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore trials kept from earlier.")] = False
    fail_on: FailOn = "error"
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="REPORT", help="A saved report: only findings that it lacks fail."),
    ] = None
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="RULE", help="Let only this rule count; repeatable, or with commas."),
    ] = None
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="RULE[=REASON]", help="Set a rule aside, for this reason; repeatable."),
    ] = None


Options = TypeVar("Options", bound=OutputOptions)


def with_options(kind: type[Options], command: Callable[[Options], None]) -> Callable[..., None]:
    """Return `command` as typer wants it: a function with one parameter for each field of `kind`.

    What is not typed is taken from the environment or from pyproject.toml where it is a setting, else from the
    defaults of `kind`. The files of a project's `output` are those of its runs: no other command writes them.
    """
    hints = get_type_hints(kind, include_extras=True)
    parameters = [_parameter(field, hints[field.name]) for field in fields(kind)]
    settable = {field.name for field in fields(kind)} & BY_FIELD.keys()
    if not issubclass(kind, RunOptions):
        settable -= FILES_OF_RUNS

    def callback(**values: Any) -> None:
        # Here and not above: `--help` must not wait for what reads settings.
        from trainsense.cli.settings.resolving import resolved  # noqa: PLC0415

        command(kind(**resolved(values, settable)))

    vars(callback)["__signature__"] = inspect.Signature(parameters)
    return callback


def _parameter(field: "Field[Any]", hint: Any) -> inspect.Parameter:
    """Return the parameter of a field: an option's default is only shown, so that what was typed can be told."""
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    if field.name in BY_FIELD and default is not None:
        kind, option = get_args(hint)
        shown = _shown(option, BY_FIELD[field.name].name, default)
        hint, default = Annotated[kind | None, shown], None
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default)


def _shown(option: OptionInfo, name: str, default: object) -> Any:
    """Return the option with its default in the help; a switch can be typed off too, against a setting."""
    if isinstance(default, bool):
        return typer.Option(f"--{name}/--no-{name}", help=option.help)
    shown = copy(option)
    shown.help = f"{option.help}  [default: {default}]"
    return shown


def help_text(summary: str, *examples: str) -> str:
    """Return a command's help: what it does, then lines to copy."""
    lines = "\n".join(f"  trainsense {example}" for example in examples)
    return f"{summary}\n\n\b\nExamples:\n{lines}"
