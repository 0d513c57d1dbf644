"""A workload made in Python, without a command line."""

from functools import partial

from torch import nn

from tests.workload.test_contract import build, workload
from trainsense.workload.load import from_object


def test_a_workload_made_in_python_is_fingerprinted() -> None:
    """The file of its functions counts, and so do the plain fields."""
    loaded = from_object(workload())
    assert loaded.path is not None
    assert loaded.path.name == "test_contract.py"
    assert loaded.fingerprint
    assert from_object(workload(lr=0.1)).fingerprint != loaded.fingerprint


def test_a_workload_whose_source_does_not_tell_all_is_not_kept() -> None:
    """A closure or a partial holds values that no source shows."""
    for model in (partial(nn.Linear, 2, 1), lambda: build()):  # noqa: PLW0108 - a local function is the point
        loaded = from_object(workload(model=model))
        assert (loaded.path, loaded.fingerprint) == (None, "")


def test_the_name_is_the_workloads_own_or_the_files() -> None:
    """As for a file."""
    assert from_object(workload()).name == "test_contract"
    assert from_object(workload(name="mine")).name == "mine"
    assert from_object(workload(model=partial(nn.Linear, 2, 1))).name == "workload"
