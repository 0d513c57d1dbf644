"""The user's own errors are told from their code on."""

import re

import pytest
import torch

from trainsense.errors import UserCodeError, WorkloadError
from trainsense.workload.user_traceback import format_user_traceback, user_code


def test_user_code_lets_trainsenses_errors_through() -> None:
    """A message of ours is not wrapped in another."""
    message = "as it is"
    with pytest.raises(WorkloadError, match=re.escape(message)), user_code("anything"):
        raise WorkloadError(message)


def test_causes_are_told_too() -> None:
    """`raise … from …` keeps its story."""
    try:
        try:
            int("x")
        except ValueError as error:
            message = "second"
            raise RuntimeError(message) from error
    except RuntimeError as error:
        text = format_user_traceback(error)
    assert "ValueError: invalid literal" in text
    assert text.endswith("RuntimeError: second\n")


def test_frames_of_libraries_stay() -> None:
    """The user sees where in torch their values failed."""
    with pytest.raises(UserCodeError) as caught, user_code("Workload.loss on batch 3"):
        torch.nn.Linear(2, 1)(torch.ones(1, 3))
    assert str(caught.value).startswith("Workload.loss on batch 3 raised RuntimeError: mat1 and mat2")
    assert caught.value.user_traceback.index(__file__) < caught.value.user_traceback.index("torch/nn/modules/linear.py")
    assert "user_traceback.py" not in caught.value.user_traceback.replace(__file__, "")


def test_without_any_frame_the_exception_is_told() -> None:
    """Nothing but the last line."""
    assert format_user_traceback(ValueError("alone")) == "ValueError: alone\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_interruptions_pass(error: type[BaseException]) -> None:
    """They are nobody's fault."""
    with pytest.raises(error), user_code("anything"):
        raise error


def test_stop_iteration_is_an_error_like_others() -> None:
    """`next()` on an empty iterator in the user's code."""
    with pytest.raises(UserCodeError, match="anything raised StopIteration"), user_code("anything"):
        next(iter(()))
