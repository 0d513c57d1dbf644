"""What holds for every test."""

import gc
from collections.abc import Iterator

import hypothesis
import pytest
import torch

hypothesis.settings.register_profile("tests", database=None, deadline=None, derandomize=True)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Train on one thread: more gain nothing on tiny models and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_collection_finish() -> None:
    """Keep what is imported out of the garbage collector's sight: it would look through all of torch again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the tools, the longest of all: at the end the other workers would wait for them."""
    items.sort(key=lambda item: "test_the_tools_find_nothing" not in item.nodeid)
