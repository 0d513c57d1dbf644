"""Is the verdict right? `trainsense diagnose --budget 3m` on workloads that are no recipes, three healthy and three not.

Run: python -m tests.benchmarks.verdicts [--recipes] [--keep FOLDER] [NAME ...]

With `--recipes` over the recipes instead, the healthy ones with the seeds 0, 1 and 2. Up to three minutes each, one after another.
What is expected stands in each file's docstring, after "Must give". Exit 1 on a mismatch. `--keep` saves the JSON reports. labels.py
shows by brute force that the docstrings are right.

Measured 2026-11-21, two shared cores (findings that are notes left out):

| workload            | expected                    | lr*     | found                                            | fix       | wall  |
| ------------------- | --------------------------- | ------- | ------------------------------------------------ | --------- | ----- |
| diabetes_regression | healthy                     | 0.00464 | healthy, nothing                                 | -         | 13 s  |
| gru_recall          | healthy                     | 0.0464  | healthy, nothing                                 | -         | 81 s  |
| texture_cnn         | healthy                     | 0.0215  | healthy, nothing                                 | -         | 61 s  |
| irnn_exploding      | lr-too-high, input-collapse | 0.0001  | input-collapse, early-instability, lr-too-high   | lower-lr  | 50 s  |
| slow_autoencoder    | lr-too-low                  | 0.0464  | lr-too-low                                       | raise-lr  | 16 s  |
| tabular_post_norm   | lr-too-high, input-collapse | 0.001   | input-collapse, early-instability, lr-too-high   | lower-lr  | 183 s |

and over the recipes:

| recipe                | seeds   | found                                                                      | fix              |
| --------------------- | ------- | -------------------------------------------------------------------------- | ---------------- |
| wide_resnet_stride    | 0       | early-instability, lr-too-high                                             | lower-lr         |
| post_norm_transformer | 0       | input-collapse, early-instability, lr-too-high                             | lower-lr         |
| deep_residual_no_norm | 0       | early-instability, lr-too-high, best-lr-at-edge                            | lower-lr, warmup |
| outlier_batches       | 0       | mid-training-instability, gradient-outliers, lr-too-high, best-lr-at-edge | lower-lr, clip   |
| lr_too_high           | 0       | input-collapse, early-instability, lr-too-high                             | lower-lr         |
| lr_too_low            | 0       | lr-too-low                                                                 | raise-lr         |
| the five healthy ones | 0, 1, 2 | healthy, nothing, each                                                     | -                |
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
WORKLOADS = HERE / "workloads"
RECIPES = HERE.parents[1] / "recipes"
SEVERITIES = ("error", "warning", "note")
RULE = re.compile(r"([a-z]+(?:-[a-z]+)+)(?: \((error|warning|note)\b)?")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a docstring promises: findings by rule with the severity where it names one; none for a healthy workload."""

    rules: dict[str, str | None]

    @property
    def verdict(self) -> str:
        return "unhealthy" if self.rules else "healthy"

    def mismatch(self, report: dict[str, Any]) -> str:
        """Return what differs, empty if nothing does."""
        found = {finding["rule"]: finding["severity"] for finding in report["findings"]}
        wrong = [] if report["verdict"] == self.verdict else [f"verdict {report['verdict']}"]
        for rule, severity in self.rules.items():
            if rule not in found or severity not in (None, found[rule]):
                wrong.append(f"{rule} {found.get(rule, 'missing')}")
        if not self.rules:
            wrong.extend(f"{rule} {severity}" for rule, severity in found.items() if severity != "note")
        return ", ".join(wrong)


def expected(file: Path) -> Expectation:
    """Read the docstring: the first clause after "Must give"; fixes and what stands in "(also ...)" are not demanded."""
    text = " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split())
    promise = text.partition("Must give")[2].lstrip(": ")
    if promise.startswith("no error"):
        return Expectation(rules={})
    demanded = re.split(r"[.;]|\(also|, and .* where", promise)[0]
    return Expectation(rules={name: severity or None for name, severity in RULE.findall(demanded)})


def diagnose(file: Path, seed: int, scratch: Path) -> tuple[dict[str, Any], float]:
    """Return the report of one diagnosis in a process of its own, and its wall time."""
    command = [sys.executable, "-m", "trainsense", "diagnose", str(file), "--budget", "3m", "--format", "json"]
    command += ["--seed", str(seed), "--run-dir", str(scratch), "--fail-on", "never"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{file.name}: exit {done.returncode}\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report, seconds


def told(report: dict[str, Any]) -> str:
    """Return the findings in one line, notes left out, and the verified fixes."""
    findings = [f"{one['rule']} ({one['severity']})" for one in report["findings"] if one["severity"] != "note"]
    fixes = [one["fix"] for one in report["fixes"] if one["status"] == "verified"]
    notes = sum(one["severity"] == "note" for one in report["findings"])
    return f"{', '.join(findings) or 'nothing'}; {notes} notes; verified: {', '.join(fixes) or 'none'}"


def main() -> int:
    """Print a line per diagnosis; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare verdicts with what the docstrings promise.")
    parser.add_argument("--recipes", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    failed = False
    for file in sorted((RECIPES if options.recipes else WORKLOADS).glob("*.py")):
        if file.stem.startswith("_") or (options.names and file.stem not in options.names):
            continue
        expectation = expected(file)
        for seed in (0, 1, 2) if options.recipes and not expectation.rules else (0,):
            with TemporaryDirectory() as scratch:
                report, seconds = diagnose(file, seed, Path(scratch))
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{file.stem}-{seed}.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
            mismatch = expectation.mismatch(report)
            failed = failed or bool(mismatch)
            best = report["stages"].get("sweep_lr", {}).get("best_lr")
            print(
                f"{file.stem:22} seed {seed}  {report['verdict']:12} lr* {best!s:9} {seconds:4.0f} s  "
                f"{'WRONG: ' + mismatch if mismatch else 'as expected'}\n    {told(report)}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
