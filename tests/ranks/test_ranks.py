"""What can be said of ranks in one process."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from trainsense.diagnosis.rank_engine import check_engine
from trainsense.errors import BatchSourceError, OptionError, StoreError, TrainsenseError, UserCodeError, WorkloadError
from trainsense.ranks.failure import Failure
from trainsense.ranks.joining import device_of_rank, joined, joined_after
from trainsense.ranks.norms import SharedNorms, shared_norms
from trainsense.ranks.place import Place, place_of
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.records.request import Request

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node", "MASTER_PORT": "29500"}


@pytest.mark.parametrize("missing", TORCHRUN)
def test_torchruns_whole_environment_makes_ranks(missing: str) -> None:
    assert place_of(TORCHRUN) == Place(rank=1, count=4, local=1)
    assert place_of({name: value for name, value in TORCHRUN.items() if name != missing}) == Place()


def test_one_process_under_torchrun_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (TORCHRUN | {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}).items():
        monkeypatch.setenv(name, value)
    with joined("cpu") as ranks:
        assert ranks is ALONE
    assert not torch.distributed.is_initialized()


def test_alone_everything_is_ones_own() -> None:
    assert ALONE.mean(3.0) == 3.0
    assert ALONE.gathered("own") == ["own"]
    assert ALONE.from_first("own") == "own"
    assert ALONE.same(lambda: 5) == 5
    assert ALONE.means({"accuracy": 0.5}) == {"accuracy": 0.5}
    assert shared_norms(ALONE, list(nn.Linear(2, 1).parameters())) is None


def test_alone_a_load_that_fails_fails_as_ever() -> None:
    def load() -> None:
        message = "no such file"
        raise WorkloadError(message)

    with pytest.raises(WorkloadError, match=r"^no such file$"), joined_after(load, "cpu"):
        pass


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BatchSourceError("shard 5", "traceback"), BatchSourceError),
        (UserCodeError("loss", "traceback"), UserCodeError),
        (StoreError("disk"), StoreError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ZeroDivisionError("x"), TrainsenseError),
        (torch.OutOfMemoryError("x"), MemoryError),
    ],
)
def test_an_error_arrives_as_what_it_was(error: BaseException, kind: type[BaseException]) -> None:
    arrived = Failure.of(2, error).error()
    assert type(arrived) is kind
    assert str(arrived).startswith("rank 2: ")
    assert getattr(arrived, "user_traceback", "") == getattr(error, "user_traceback", "")


def test_memory_that_ran_out_in_the_users_code_is_told_from_its_cause() -> None:
    error = UserCodeError("Workload.loss raised", "")
    error.__cause__ = torch.OutOfMemoryError("x")
    assert isinstance(Failure.of(1, error).error(), MemoryError)


def test_norms_of_one_rank_are_plain_ones() -> None:
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.grad = torch.full((2, 2), 3.0)
    norms = SharedNorms(ALONE, list(layer.parameters()))
    assert float(norms.gradient_norm()) == pytest.approx(6.0)
    weights, updates = norms.update_norms([torch.tensor([3.0, 4.0])], [torch.tensor([math.inf, 4.0])])
    assert ([float(one) for one in weights], [float(one) for one in updates]) == ([5.0], [math.inf])


@pytest.mark.parametrize("engine", ["processes", "stacked", "ray"])
def test_engines_of_single_processes_are_refused(engine: str) -> None:
    with pytest.raises(OptionError, match=f"--engine {engine} trains each trial in one process"):
        check_engine(Request(engine=engine), Ranks(rank=0, count=2))  # type: ignore[arg-type]
    check_engine(Request(engine=engine), ALONE)  # type: ignore[arg-type]


def test_one_device_for_all_ranks_is_refused() -> None:
    with pytest.raises(OptionError, match="each rank that torchrun starts needs its own"):
        device_of_rank("cuda:0")


@pytest.mark.parametrize("make", [lambda: device_of_rank("cpu"), lambda: device_of_rank("auto")])
def test_without_a_gpu_ranks_train_on_the_cpu(
    make: Callable[[], torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert make() == torch.device("cpu")
