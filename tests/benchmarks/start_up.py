"""What starting up costs: `trainsense --help`, and what renders saved reports, against the help of a Typer program that does nothing.

Run: python -m tests.benchmarks.start_up [PAIRS]

Wall time, interleaved. `--version` is shown beside it, and a program that imports torch, which no help may wait for.

Measured 2026-11-21, 7 runs each on a shared machine:

| program                    | median  | ratio |
| -------------------------- | ------- | ----- |
| bare Typer program, --help | 177 ms  | 1.00  |
| trainsense --help          | 156 ms  | 0.88  |
| trainsense --version       | 169 ms  | 0.95  |
| trainsense report          | 741 ms  | 4.18  |
| trainsense report, HTML    | 770 ms  | 4.34  |
| trainsense compare         | 1106 ms | 6.23  |
| import torch               | 1667 ms | 9.39  |

(The bare program draws its help with rich; ours is plain text.)
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

PAIRS = 15
SAMPLE = "sample_runs/wide_resnet_stride"
BARE = """
import typer
app = typer.Typer()
@app.callback()
def callback(): "Say nothing."
@app.command()
def main(): "Do nothing."
app()
"""
PROGRAMS = {
    "bare Typer program, --help": ("-c", BARE, "--help"),
    "trainsense --help": ("-m", "trainsense", "--help"),
    "trainsense --version": ("-m", "trainsense", "--version"),
    "trainsense report": ("-m", "trainsense", "report", SAMPLE, "--fail-on", "never"),
    "trainsense report, HTML": ("-m", "trainsense", "report", SAMPLE, "--fail-on", "never", "--format", "html"),
    "trainsense compare": ("-m", "trainsense", "compare", SAMPLE, SAMPLE),
    "import torch": ("-c", "import torch"),
}


def seconds(arguments: Sequence[str]) -> float:
    """Return how long a Python process with these arguments takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the medians."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for arguments in PROGRAMS.values():
        seconds(arguments)  # once for the file cache
    for _ in range(pairs):
        for name, arguments in PROGRAMS.items():
            times[name].append(seconds(arguments))
    bare = median(times["bare Typer program, --help"])
    for name, measured in times.items():
        print(f"{name:28} {1000 * median(measured):6.0f} ms  {median(measured) / bare:5.2f}")


if __name__ == "__main__":
    main()
