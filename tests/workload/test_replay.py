"""Batch sources of every kind, read once and replayed."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from tests.cases import drawn_batches, fixed_batches
from tests.layouts import LAYOUTS
from tests.layouts import ROWS as TABLE
from trainsense.batches import kept
from trainsense.errors import BatchSourceError, WorkloadError
from trainsense.workload.replay import MOST_DEVICE_BYTES, Replay, ReplayShelf, device_replay_bytes
from trainsense.workload.seeding import RandomState

PLENTY = 1 << 20


def values(replay: Replay, count: int) -> list[list[float]]:
    """Return the first batches as numbers."""
    return [batch[0].flatten().tolist() for batch in islice(replay.batches(), count)]


class Endless(IterableDataset[Tensor]):
    """Draws rows without end."""

    def __iter__(self) -> Iterator[Tensor]:
        """Yield random rows."""
        while True:
            yield torch.rand(3)


class Indexed:
    """An old-style sequence: items by number until IndexError."""

    def __getitem__(self, index: int) -> tuple[Tensor]:
        """Return two batches."""
        return (torch.full((2,), float([1, 2][index])),)


SOURCES: list[tuple[str, Any]] = [
    ("a list", fixed_batches),
    ("a generator that draws", drawn_batches),
    ("a shuffling loader", lambda: DataLoader(TensorDataset(torch.arange(20.0)), batch_size=4, shuffle=True)),
    ("an iterable loader", lambda: ((batch,) for batch in DataLoader(Endless(), batch_size=2))),
    ("a sequence", Indexed),
]


@pytest.mark.parametrize("source", [row[1] for row in SOURCES], ids=[row[0] for row in SOURCES])
def test_every_source_is_replayed(source: Any) -> None:
    """Again and again, past its end, in whatever interleaving; another reading of the seed gives the same."""
    replay = Replay(source, 3, "data", PLENTY)
    first = values(replay, 23)
    assert values(replay, 23) == first
    assert values(Replay(source, 3, "data", PLENTY), 23) == first
    one, two = replay.batches(), replay.batches()
    pairs = [(next(one), next(two), next(two)) for _ in range(4)]
    assert [batch[0].flatten().tolist() for batch, _, _ in pairs] == first[:4]


def test_another_seed_is_another_draw() -> None:
    """And so is every pass."""
    loaders = [Replay(SOURCES[2][1], seed, "data", PLENTY) for seed in (0, 1)]
    zero, one = (values(replay, 10) for replay in loaders)
    assert zero != one
    assert zero[:5] != zero[5:]
    assert sorted(chain(*zero[:5])) == sorted(chain(*zero[5:]))


@pytest.mark.parametrize("limit", [0, 1, 300, 700])
def test_past_the_bound_it_is_read_again(limit: int) -> None:
    """And gives the same batches, to every reader."""
    expected = values(Replay(drawn_batches, 0, "data", PLENTY), 17)
    replay = Replay(drawn_batches, 0, "data", limit)
    assert values(replay, 17) == expected
    assert values(replay, 17) == expected
    assert values(replay, 4) == expected[:4]
    assert replay.held_bytes <= limit + 8 * 4 * 4
    one, two = replay.batches(), replay.batches()
    for index in range(12):
        assert next(one)[0].flatten().tolist() == next(two)[0].flatten().tolist() == expected[index]


def test_the_shelf_keeps_within_its_bound() -> None:
    """The seed used longest ago gives way; what comes back is the same."""
    shelf = ReplayShelf(drawn_batches, limit=1000)
    expected = {seed: values(shelf[seed], 6) for seed in range(6)}
    assert {seed: values(shelf[seed], 6) for seed in range(6)} == expected
    assert sum(replay.held_bytes for replay in shelf._replays.values()) <= 1000 + 2 * 8 * 4 * 4
    assert values(shelf.fresh(2), 6) == expected[2]


def test_reading_leaves_the_generators_alone() -> None:
    """In the middle of a pass too."""
    before = RandomState.capture()
    stream = Replay(drawn_batches, 0, "data", PLENTY).batches()
    for _ in range(7):
        next(stream)
        assert torch.equal(torch.get_rng_state(), before.torch_cpu)
        assert np.random.get_state()[1].tolist() == before.numpy[1].tolist()  # type: ignore[index]


def test_what_the_trial_draws_does_not_reach_the_source() -> None:
    """Batches drawn lazily do not depend on what is drawn between them."""
    plain = values(Replay(drawn_batches, 0, "data", PLENTY), 9)
    stream = Replay(drawn_batches, 0, "data", PLENTY).batches()
    disturbed = []
    for _ in range(9):
        disturbed.append(next(stream)[0].flatten().tolist())
        torch.rand(5)
        np.random.standard_normal(3)
    assert disturbed == plain


def raising() -> Iterator[Tensor]:
    """Yield one batch and raise."""
    yield torch.zeros(2)
    msg = "gone"
    raise OSError(msg)


def test_faults_of_the_source() -> None:
    """Each has its own sentence, with the field's name."""
    stream = Replay(raising, 0, "data", PLENTY).batches()
    next(stream)
    with pytest.raises(BatchSourceError, match=r"Workload\.data, batch 1, raised OSError: gone"):
        next(stream)
    for source, says in (
        (list, r"Workload\.data gave no batch"),
        (lambda: None, "must return an iterable of batches, not NoneType"),
        (lambda: 3, "not int"),
    ):
        with pytest.raises(WorkloadError, match=says):
            Replay(source, 0, "data", PLENTY).first(1)  # type: ignore[arg-type]
    once = iter(fixed_batches())
    with pytest.raises(WorkloadError, match="ran out after 4 batches"):
        Replay(lambda: once, 0, "data", PLENTY).first(5)


def test_a_loader_of_unknown_length() -> None:
    """A data loader over a stream has no length, nor has its iterator, which raises when asked whether it is empty."""
    replay = Replay(lambda: DataLoader(Endless(), batch_size=4), 0, "data", 1 << 20)
    assert [tuple(batch.shape) for batch in replay.first(3)] == [(4, 3)] * 3


class Buffered:
    """A loader that is its own iterator; its length is what it has read ahead: nothing, between two batches."""

    def __init__(self) -> None:
        self.rows = torch.randperm(6).float().tolist()

    def __iter__(self) -> Iterator[tuple[Tensor]]:
        return self

    def __next__(self) -> tuple[Tensor]:
        """Return two rows, until there are none."""
        if not self.rows:
            raise StopIteration
        return (torch.tensor([self.rows.pop(), self.rows.pop()]),)

    def __len__(self) -> int:
        """Count what is read ahead."""
        return 0


class Unmeasured(Buffered):
    """One whose length nobody knows: asking whether it is empty raises."""

    def __len__(self) -> int:
        msg = "of unknown length"
        raise TypeError(msg)


@pytest.mark.parametrize("source", [Buffered, Unmeasured])
def test_a_source_that_looks_empty_is_read_on(source: type[Buffered]) -> None:
    """To the end of a pass, and from the beginning of the next, whatever its truth says; past the bound too."""
    expected = values(Replay(lambda: list(source()), 0, "data", PLENTY), 8)
    assert [sorted(chain(*expected[start : start + 3])) for start in (0, 3)] == [[0, 1, 2, 3, 4, 5]] * 2
    assert expected[:3] != expected[3:6]
    for limit in (PLENTY, 1):
        assert values(Replay(source, 0, "data", limit), 8) == expected


@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage:UserWarning")
def test_tensors_of_every_layout_are_replayed() -> None:
    """From memory, and read again past the bound."""

    def source() -> Iterator[dict[str, Tensor]]:
        for scale in torch.rand(3):
            yield {name: made(scale * TABLE) for name, made in LAYOUTS.items() if "ed" not in name[-2:]}

    for limit in (PLENTY, 1):
        replay = Replay(source, 0, "data", limit)
        first, again = replay.first(4), replay.first(4)
        for one, two in zip(first, again, strict=True):
            assert [tensor.layout for tensor in one.values()] == [tensor.layout for tensor in two.values()]
            assert all(torch.equal(one[name].to_dense(), two[name].to_dense()) for name in one)
        assert float(first[0]["COO"].to_dense().sum()) != float(first[1]["COO"].to_dense().sum())


META = torch.device("meta")
"""Stands for a device with memory of its own: tensors there have a size and no values."""
CUDA = torch.device("cuda")
BATCH_BYTES = (8 * 3 + 8) * 4
"""Of one of `drawn_batches`."""


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Return the tensors that were pinned, where there is no GPU to pin them for."""
    seen: list[Tensor] = []

    def pin(tensor: Tensor) -> Tensor:
        seen.append(tensor)
        return tensor.clone()

    monkeypatch.setattr(Tensor, "pin_memory", pin)
    return seen


def places(replay: Replay, count: int) -> str:
    """Return where the first batches lie: on the device or on the host."""
    return "".join("d" if batch[0].device == META else "h" for batch in islice(replay.batches(), count))


def test_batches_are_kept_on_the_device_first() -> None:
    """Then on the host, then not at all; the bound is that of the host's."""
    room = {"device": META, "device_limit": 3 * BATCH_BYTES}
    replay = Replay(drawn_batches, 0, "data", 2 * BATCH_BYTES, **room)  # type: ignore[arg-type]
    for _ in range(2):
        assert places(replay, 9) == "dddhhhhhh"
    assert replay.device_bytes == 3 * BATCH_BYTES
    assert replay.held_bytes == 2 * BATCH_BYTES
    expected = values(Replay(drawn_batches, 0, "data", PLENTY), 9)
    assert [batch[0].flatten().tolist() for batch in islice(replay.batches(), 3, 9)] == expected[3:]


def test_the_shelf_keeps_within_the_device_too() -> None:
    """And leaves it where a training needs the memory."""
    shelf = ReplayShelf(drawn_batches, device=META, device_limit=4 * BATCH_BYTES)
    assert [places(shelf[seed], 4) for seed in range(5)] == ["ddhh"] * 5
    assert sum(replay.device_bytes for replay in shelf._replays.values()) <= 4 * BATCH_BYTES
    assert shelf.leave_device()
    assert [places(shelf[seed], 4) for seed in range(5)] == ["hhhh"] * 5
    assert not shelf.leave_device()


def test_what_travels_to_a_gpu_is_pinned(pins: list[Tensor]) -> None:
    """Kept on the host or read again, a batch is a copy of our own; `first` is for the host and nothing is kept on it."""
    replay = Replay(drawn_batches, 0, "data", BATCH_BYTES, device=CUDA)
    expected = values(Replay(drawn_batches, 0, "data", PLENTY), 4)
    assert values(replay, 4) == expected
    assert len(pins) == 2 * 4
    assert values(replay, 1) == expected[:1]
    assert len(pins) == 2 * 4
    assert [batch[0].flatten().tolist() for batch in replay.first(4)] == expected
    assert device_replay_bytes(META) == device_replay_bytes(torch.device("cpu")) == 0


def test_the_device_lends_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more than the bound."""
    for free, share in ((8 << 30, 1 << 30), (80 << 30, MOST_DEVICE_BYTES)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 80 << 30))
        assert device_replay_bytes(CUDA) == share


def test_a_device_without_room_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its share was measured before the model grew: the batch goes to the host, and none is lost."""

    def full(batch: Any, device: torch.device | None = None) -> Any:
        if device is not None:
            raise torch.OutOfMemoryError
        return kept(batch)

    monkeypatch.setattr("trainsense.workload.replay.kept", full)
    replay = Replay(drawn_batches, 0, "data", PLENTY, device=META, device_limit=PLENTY)
    assert values(replay, 7) == values(Replay(drawn_batches, 0, "data", PLENTY), 7)
    assert replay.device_bytes == 0
