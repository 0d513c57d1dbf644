"""The line of the user's code that makes each module."""

import copy
import inspect

import pytest
from torch import nn

from trainsense.workload.source_lines import source_lines


class Inner(nn.Module):
    """Holds a layer of torch's that holds layers."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)


class Outer(nn.Module):
    """Makes two, and a copy of one."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Inner()
        self.second = nn.Sequential(
            nn.Linear(4, 4),
            nn.ReLU(),
        )
        self.copied = copy.deepcopy(self.first)


def _line(source: type, text: str) -> int:
    lines, first = inspect.getsourcelines(source)
    return first + next(index for index, line in enumerate(lines) if text in line)


def test_every_module_that_is_constructed_has_its_line() -> None:
    """Not that of its own constructor, nor one within torch."""
    lines = source_lines(Outer)
    assert lines["first"] == (__file__, _line(Outer, "Inner()"))
    assert lines["first.attention"] == (__file__, _line(Inner, "MultiheadAttention(4"))
    assert lines["first.attention.out_proj"] == lines["first.attention"]
    assert lines["second.0"] == (__file__, _line(Outer, "nn.Linear"))
    assert lines[""] == (__file__, _line(Outer, "def __init__"))
    assert "copied" not in lines


def test_torch_is_put_back_even_after_an_error() -> None:
    """Whatever the user's code raises."""
    original = nn.Module.__init__

    def failing() -> nn.Module:
        nn.Linear(2, 2)
        message = "no model"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="no model"):
        source_lines(failing)
    assert nn.Module.__init__ is original
