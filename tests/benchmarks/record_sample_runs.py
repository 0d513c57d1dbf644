"""Records sample_runs/ from the recipes: each report in every format, and the README's reports from there.

Run: python -m tests.benchmarks.record_sample_runs [RECIPE...]           to diagnose the recipes anew
     python -m tests.benchmarks.record_sample_runs --render [RECIPE...]  to render what was recorded anew
"""

import os
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
FILES = {
    "text": "report.txt",
    "markdown": "report.md",
    "html": "report.html",
    "junit": "junit.xml",
    "sarif": "report.sarif",
    "github": "github.txt",
}
"""File of each format beside `report.json`."""
README_SAMPLES = {"sample report": "wide_resnet_stride", "preflight report": "deep_sigmoid"}


def record(name: str, command: tuple[str, ...]) -> None:
    """Run one recipe and keep its report, its plots and where they come from."""
    target = ROOT / "sample_runs" / name
    shutil.rmtree(target, ignore_errors=True)
    (target / "plots").mkdir(parents=True)
    arguments = [command[0], f"recipes/{name}.py", *command[1:]]
    with tempfile.TemporaryDirectory() as directory:
        trainsense_command(*arguments, "--run-dir", directory, "--fail-on", "never")
        shutil.copy(Path(directory) / "report.json", target / "report.json")
        for plot in (Path(directory) / "plots").glob("*.png"):
            shutil.copy(plot, target / "plots" / plot.name)
    (target / "PROVENANCE.md").write_text(
        f"Recorded {datetime.now(tz=UTC):%Y-%m-%d} by `trainsense {' '.join(arguments)}` "
        f"(trainsense {trainsense.__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, CPU). The other files are renderings of report.json: `trainsense report "
        f"sample_runs/{name} --format FORMAT`.\n",
        encoding="utf-8",
    )


def render(name: str) -> None:
    """Write a recorded report in every format."""
    target = Path("sample_runs") / name
    outputs = [f"--output={kind}={target / file}" for kind, file in FILES.items()]
    trainsense_command("report", str(target), "--fail-on", "never", *outputs)


def trainsense_command(*arguments: str) -> None:
    """Run `trainsense ARGUMENTS` at the repository's root, without the settings of a CI system."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    subprocess.run(
        [sys.executable, "-m", "trainsense", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
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
    named = [argument for argument in sys.argv[1:] if argument != "--render"]
    for sample in named or SAMPLES:
        if "--render" not in sys.argv:
            record(sample, SAMPLES[sample])
        render(sample)
    show_in_readme()
