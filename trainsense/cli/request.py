"""From what was typed to a checked `Request`: every check that needs no workload and no torch."""

import re
from pathlib import Path
from typing import Final, cast

from trainsense.cli.budget import parse_budget
from trainsense.cli.options import RunOptions
from trainsense.cli.settings.checks import check_value
from trainsense.records.request import Command, Engine, Request
from trainsense.rules.selecting import ignored_rules, rule_names, selection_of

CHECKED: Final = (
    "engine",
    "fail_on",
    "device",
    "lr",
    "steps",
    "seeds",
    "seed",
    "jobs",
    "cpus_per_trial",
    "gpus_per_trial",
    "budget",
)
"""Options whose values have to be checked, in this order."""

DEFAULT_RUNS = Path(".trainsense")
LONGEST_NAME = 100


def request_from(command: Command, options: RunOptions, *, factor: float = 10.0, keep_going: bool = False) -> Request:
    """Return what the options ask for; the run directory stays None where it depends on the workload's name.

    Raises:
        OptionError: a value is out of range or unknown; the message names the option and what would do.
    """
    for field in CHECKED:
        check_value(field, getattr(options, field), f"--{field.replace('_', '-')}")
    check_value("factor", factor, "--factor")
    selection = selection_of(
        rule_names(options.select or ()),
        ignored_rules(options.ignore or ()),
        selected_by="--select",
        ignored_by="--ignore",
    )
    return Request(
        command=command,
        lr=options.lr,
        steps=options.steps,
        seeds=options.seeds,
        seed=options.seed,
        device=options.device,
        budget=parse_budget(options.budget),
        run_dir=options.run_dir.expanduser() if options.run_dir is not None else None,
        fresh=options.fresh,
        factor=factor,
        keep_going=keep_going,
        selection=selection,
        engine=cast("Engine", options.engine),
        jobs=options.jobs,
        cpus_per_trial=options.cpus_per_trial,
        gpus_per_trial=options.gpus_per_trial,
        compile=options.compile,
    )


def default_run_dir(name: str) -> Path:
    """Return the folder in which a workload's trials are kept unless told otherwise.

    >>> default_run_dir("wide net / lr=3").as_posix()
    '.trainsense/wide_net_lr_3'
    """
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")[:LONGEST_NAME]
    return DEFAULT_RUNS / (safe or "workload")
