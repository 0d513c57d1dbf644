"""From what was typed to a checked `Request`: every check that needs no workload and no torch."""

import math
import re
from pathlib import Path
from typing import cast

from trainsense.cli.budget import parse_budget
from trainsense.cli.choice import check_choice, check_threshold
from trainsense.cli.options import RunOptions
from trainsense.errors import OptionError
from trainsense.records.request import FEWEST_STEPS, Command, Engine, Request

ENGINES = ("auto", "sequential", "stacked", "processes")
LATER_ENGINES = ("ray",)
DEVICES = ("auto", "cpu", "cuda", "mps")

DEFAULT_RUNS = Path(".trainsense")
LONGEST_NAME = 100


def request_from(command: Command, options: RunOptions, *, factor: float = 10.0, keep_going: bool = False) -> Request:
    """Return what the options ask for; the run directory stays None where it depends on the workload's name.

    Raises:
        OptionError: a value is out of range or unknown; the message names the option and what would do.
    """
    check_choice("--engine", options.engine, ENGINES, later=LATER_ENGINES)
    check_threshold(options.fail_on)
    if not re.fullmatch(r"cuda:\d+", options.device):
        check_choice("--device", options.device, (*DEVICES, "cuda:N"))
    if options.device == "cuda:N":
        msg = "--device cuda:N stands for a numbered GPU: write for example cuda:0."
        raise OptionError(msg)
    if options.lr is not None:
        _check_positive("--lr", options.lr, "0.1")
    _check_positive("--factor", factor, "10")
    _check_least("--steps", options.steps, FEWEST_STEPS, "a trial is scored over its last 20 steps")
    _check_least("--seeds", options.seeds, 1, "a setting is tried on one seed at least")
    _check_least("--seed", options.seed, 0, "torch takes no negative seed")
    _check_least("--jobs", options.jobs, 1, "someone has to do the work")
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
        engine=cast("Engine", options.engine),
        jobs=options.jobs,
    )


def default_run_dir(name: str) -> Path:
    """Return the folder in which a workload's trials are kept unless told otherwise.

    >>> default_run_dir("wide net / lr=3").as_posix()
    '.trainsense/wide_net_lr_3'
    """
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")[:LONGEST_NAME]
    return DEFAULT_RUNS / (safe or "workload")


def _check_positive(option: str, value: float, example: str) -> None:
    if not math.isfinite(value) or value <= 0:
        msg = f"{option} {value:g} is no such number: it must be finite and above 0, for example {example}."
        raise OptionError(msg)


def _check_least(option: str, value: int | None, least: int, why: str) -> None:
    if value is not None and value < least:
        msg = f"{option} {value} is too small: it must be at least {least}, because {why}."
        raise OptionError(msg)
