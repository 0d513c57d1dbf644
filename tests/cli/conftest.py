"""Fixtures of the command line's tests."""

from tests.command_line import run_cli

__all__ = ["run_cli"]
