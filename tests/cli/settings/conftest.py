"""Fixtures of the settings' tests: the command line in an empty folder, with a stand-in for the core."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_exit_codes import Core, core
from tests.command_line import RunCli, run_cli
from trainsense.records.request import Request

__all__ = ["asked", "core", "project", "run_cli"]

Project = Callable[[str], Path]
Asked = Callable[..., Request]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a function that writes `[tool.trainsense]` of the current directory's pyproject.toml."""

    def write(text: str) -> Path:
        file = tmp_path / "pyproject.toml"
        file.write_text(f"[project]\nname = 'p'\n\n[tool.trainsense]\n{text}\n", encoding="utf-8")
        return file

    return write


@pytest.fixture
def asked(core: Core, run_cli: RunCli) -> Asked:
    """Return a function that runs a command and returns what it asks the core for."""

    def request(command: str, *arguments: str) -> Request:
        ended = run_cli(command, "w.py", *arguments)
        assert ended.status == 0, ended.err
        assert core.request is not None
        return core.request

    return request
