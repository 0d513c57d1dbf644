"""Batches of every structure that the contract names."""

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from tests.layouts import LAYOUTS, ROWS
from trainsense.batches import (
    byte_count,
    cloned,
    dense_parts,
    example_count,
    is_plain,
    kept,
    map_tensors,
    tensors_of,
    to_device,
    with_rows,
)

Pair = namedtuple("Pair", ["x", "y"])  # noqa: PYI024 - users have these


class Typed(NamedTuple):
    """A named tuple with a string in it."""

    x: Tensor
    name: str


@dataclass(frozen=True)
class Frozen:
    """A frozen dataclass with a field that its constructor does not take."""

    x: Tensor
    names: list[str]
    rest: dict[str, Tensor]
    extra: int = field(default=3, init=False)


class Movable:
    """A batch of one's own, as in graph libraries."""

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self.moved = 0

    def to(self, device: torch.device) -> "Movable":
        """Count the moves."""
        other = Movable(self.x.to(device))
        other.moved = self.moved + 1
        return other


def tensor() -> Tensor:
    """Return two rows."""
    return torch.arange(6.0).reshape(2, 3)


STRUCTURES: list[tuple[str, Any, int]] = [
    ("a tensor", tensor(), 1),
    ("a tuple", (tensor(), tensor()), 2),
    ("a list", [tensor(), "text", 3, None], 1),
    ("a named tuple", Pair(tensor(), tensor()), 2),
    ("a typed named tuple", Typed(tensor(), "name"), 1),
    ("a dictionary", {"x": tensor(), "meta": {"deep": (tensor(),)}, 3: "text"}, 2),
    ("an ordered dictionary", OrderedDict(x=tensor(), y=tensor()), 2),
    ("a default dictionary", defaultdict(list, x=tensor()), 1),
    ("a user dictionary", UserDict(x=tensor()), 1),
    ("a dataclass", Frozen(tensor(), ["a", "b"], {"y": tensor()}), 2),
    ("a movable", Movable(tensor()), 1),
    ("nested", [({"x": [Pair(tensor(), "t")]},), Frozen(tensor(), [], {"y": tensor()})], 3),
    ("nothing", None, 0),
    ("a string", "text", 0),
    ("an empty tuple", (), 0),
]
NAMES = [row[0] for row in STRUCTURES]


@pytest.mark.parametrize(("batch", "count"), [row[1:] for row in STRUCTURES], ids=NAMES)
def test_every_structure_travels(batch: Any, count: int) -> None:
    """With its type; every tensor arrives, everything else stays."""
    meta = torch.device("meta")
    moved = to_device(batch, meta)
    assert type(moved) is type(batch)
    tensors = [one for _, one in tensors_of(moved)]
    assert len(tensors) == count
    assert all(one.device == meta for one in tensors)
    assert all(one.device.type == "cpu" for _, one in tensors_of(batch))
    assert [path for path, _ in tensors_of(moved)] == [path for path, _ in tensors_of(batch)]
    assert byte_count(batch) == count * 24
    assert example_count(batch) == (2 if count else 1)


@pytest.mark.parametrize("batch", [row[1] for row in STRUCTURES], ids=NAMES)
def test_copies_share_nothing(batch: Any) -> None:
    """Writing into a copy leaves the original alone."""
    before = [one.clone() for _, one in tensors_of(batch)]
    for _, one in tensors_of(cloned(batch)):
        one.add_(1)
    assert all(torch.equal(one, two) for one, (_, two) in zip(before, tensors_of(batch), strict=True))


def test_strings_and_numbers_stay_the_same_objects() -> None:
    """They are handed on as they are."""
    names = ["a", "b"]
    batch = Frozen(tensor(), names, {})
    moved = to_device(batch, torch.device("cpu"))
    assert moved.names == names
    assert moved.extra == 3
    assert moved is not batch


def test_a_movable_is_moved_by_its_own_method() -> None:
    """Once."""
    assert to_device([Movable(tensor())], torch.device("cpu"))[0].moved == 1


def test_copies_are_leaves_that_ask_for_gradients_as_before() -> None:
    """A batch whose inputs require gradients can be replayed."""
    x = tensor().requires_grad_()
    for copy in (cloned(x), kept(x)):
        assert copy.is_leaf
        assert copy.requires_grad
        assert copy.data_ptr() != x.data_ptr()


def test_a_mapping_that_takes_no_assignment() -> None:
    """Comes back as a dictionary."""
    from types import MappingProxyType  # noqa: PLC0415 - used here alone

    moved = map_tensors(MappingProxyType({"x": tensor()}), lambda one: one + 1, lambda item: item)
    assert torch.equal(moved["x"], tensor() + 1)


def test_examples_are_counted_on_the_first_tensor_with_a_dimension() -> None:
    """A scalar in front does not count."""
    assert example_count((torch.tensor(1.0), torch.zeros(5, 2))) == 5
    assert example_count(torch.tensor(1.0)) == 1


@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage:UserWarning")
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout(name: str) -> None:
    """Each can be copied, counted, weighed and put into another order."""
    batch = {"x": LAYOUTS[name](ROWS)}
    copy = kept(batch)["x"]
    assert copy is not batch["x"]
    assert copy.layout == batch["x"].layout
    assert example_count(batch) == 4
    assert byte_count(batch) == sum(one.numel() * one.element_size() for one in dense_parts(copy))
    assert all(is_plain(one) for one in dense_parts(copy))
    assert is_plain(copy) == (name == "strided")
    turned = with_rows(copy, torch.tensor([2, 0, 3, 2]))
    assert turned.layout == copy.layout
    if copy.is_nested:
        assert [one.tolist() for one in turned.unbind()] == [copy.unbind()[row].tolist() for row in (2, 0, 3, 2)]
    else:
        assert torch.equal(turned.to_dense(), ROWS[[2, 0, 3, 2]])


def test_a_large_sparse_tensor_weighs_what_it_stores() -> None:
    """An adjacency of a million nodes would take four terabytes if all of it were stored."""
    edges = torch.sparse_coo_tensor(
        torch.tensor([[0], [999_999]]), torch.ones(1), (1_000_000, 1_000_000), check_invariants=True
    )
    assert byte_count([edges, edges.to_sparse_csr()]) < 1 << 24
