"""Records sample_runs/ from the recipes, and the README's reports from there.

Run: python -m tests.benchmarks.record_sample_runs [RECIPE...]
"""

import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import torch

import trainsense

ROOT = Path(__file__).parent.parent.parent
SAMPLES = {
    "deep_sigmoid": ("preflight",),
    "wide_resnet_stride": ("diagnose", "--budget", "3m"),
    "deep_residual_no_norm": ("diagnose", "--budget", "none"),
}
PLOTS = (
    "lr-axis.png",
    "lr-axis-with-fix.png",
    "loss-above-best-lr.png",
    "gradient-norm.png",
    "warmup-grid.png",
    "layers.png",
)
README_SAMPLES = {"sample report": "wide_resnet_stride", "preflight report": "deep_sigmoid"}


def record(name: str, command: tuple[str, ...]) -> None:
    """Run one recipe and keep its report, its plots and where they come from."""
    target = ROOT / "sample_runs" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    arguments = [command[0], f"recipes/{name}.py", *command[1:]]
    with tempfile.TemporaryDirectory() as directory:
        extra = ["--run-dir", directory, "--fail-on", "never", "--output", f"json={target / 'report.json'}"]
        process = subprocess.run(
            [sys.executable, "-m", "trainsense", *arguments, *extra], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        (target / "report.txt").write_bytes(process.stdout)
        for plot in PLOTS:
            if (Path(directory) / "plots" / plot).exists():
                shutil.copy(Path(directory) / "plots" / plot, target / plot)
    (target / "PROVENANCE.md").write_text(
        f"Recorded {datetime.now(tz=UTC):%Y-%m-%d} by `trainsense {' '.join(arguments)}` "
        f"(trainsense {trainsense.__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, CPU).\n",
        encoding="utf-8",
    )


def show_in_readme() -> None:
    """Put the sample reports into the README."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for mark, sample in README_SAMPLES.items():
        report = (ROOT / "sample_runs" / sample / "report.txt").read_text(encoding="utf-8").strip()
        head, rest = text.split(f"<!-- {mark} -->")
        tail = rest.split(f"<!-- end of {mark} -->")[1]
        text = f"{head}<!-- {mark} -->\n```text\n{report}\n```\n<!-- end of {mark} -->{tail}"
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for sample in sys.argv[1:] or SAMPLES:
        record(sample, SAMPLES[sample])
    show_in_readme()
