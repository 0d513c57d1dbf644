"""What the engines cost and save, in one table: every figure that is promised, with its target and whether it is met.

Run: python -m tests.benchmarks.engines [--only NAME …]

Each part is a benchmark of its own under tests/benchmarks, with its own description, and can be run by itself; what cannot be measured
here (no GPU, a package that is not installed) is a row that says so. Exit 1 where a target is missed or a part fails.
The whole takes about an hour on two cores.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

import torch

from tests.benchmarks.table import Row, printed, unmeasured

PACKAGE: Final = "tests.benchmarks"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the table.

    Args:
        module: under tests/benchmarks, with a function `rows`.
        what: what it measures, where it cannot.
    """

    module: str
    what: str


PARTS: Final = {
    "recording": Part(module="recording_cost", what="a recorded trial over a bare loop, CPU time"),
    "finders": Part(module="finders", what="other packages' learning-rate finders over a bare loop"),
    "sweep": Part(module="sweep_speed", what="`sweep-lr` against 13 bare trainings, wall time"),
    "racing": Part(module="racing", what="lr* and regret against the full grid"),
    "stacked": Part(module="stacked_speed", what="trials at once against one after another, CPU time"),
    "compiled": Part(module="compiled", what="a compiled stack against one as it is"),
    "gpu": Part(module="stacked_on_gpu", what="trials at once against one after another on a GPU"),
    "memory": Part(module="memory", what="peak memory by engine"),
    "ray": Part(module="ray_sweep", what="`--engine ray` against `--engine processes`"),
    "store": Part(module="kept_trials", what="10,000 kept trials"),
}


def rows(names: list[str]) -> Iterator[Row]:
    """Yield the rows of these parts, of all without names."""
    for name in names or PARTS:
        part = PARTS[name]
        threads = torch.get_num_threads()
        try:
            yield from import_module(f"{PACKAGE}.{part.module}").rows()
        except ImportError as error:
            yield unmeasured(part.what, f"{error}")
        except Exception as error:  # noqa: BLE001 - the other parts are measured all the same
            yield Row(what=part.what, figure=f"failed: {type(error).__name__}: {error}", met=False)
        finally:
            torch.set_num_threads(threads)


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", choices=PARTS, help=f"one of {', '.join(PARTS)}")
    return printed(rows(parser.parse_args().only or []))


if __name__ == "__main__":
    sys.exit(main())
