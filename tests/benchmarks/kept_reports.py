"""Reports of `trainsense diagnose` on the recipes, each from a process of its own; kept in a folder and read again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.verdicts import RECIPES

Report = dict[str, Any]


def recipes(names: list[str]) -> list[Path]:
    """Return the files of the recipes named, of all without names."""
    return [file for file in sorted(RECIPES.glob("*.py")) if not names or file.stem in names]


def diagnosed(recipe: Path, budget: str, keep: Path | None = None) -> Report:
    """Diagnose a recipe from scratch and return its report; keep it as `FOLDER/NAME.json` where a folder is given."""
    command = [sys.executable, "-m", "trainsense", "diagnose", str(recipe), "--budget", budget, "--format", "json"]
    with TemporaryDirectory() as scratch:
        options = ["--run-dir", scratch, "--fail-on", "never"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode != 0:
        sys.exit(f"{recipe.name}: exit {done.returncode}\n{done.stderr}")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{recipe.stem}.json").write_text(done.stdout, encoding="utf-8")
    return parsed(done.stdout)


def kept(recipe: Path, folder: Path) -> Report:
    """Return the report that `diagnosed` kept."""
    return parsed((folder / f"{recipe.stem}.json").read_text(encoding="utf-8"))


def parsed(text: str) -> Report:
    report: Report = json.loads(text)
    return report


def recommended(report: Report) -> tuple[str, str]:
    """Return the fix that is recommended and its status; `none` twice where the user's settings are."""
    names = (report["recommendation"] or {}).get("fixes", [])
    if not names:
        return "none", "none"
    status = {fix["fix"]: fix["status"] for fix in report["fixes"]}
    return "+".join(names), "+".join(status.get(name, "untested") for name in names)
