"""Two processes with torchrun's environment, which find each other as torchrun's would, in a tenth of its time."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from torch import distributed

from trainsense.cli.main import main
from trainsense.executors.process_pool import PRELOADED

COUNT: Final = 2
PATIENCE: Final = 60.0

needs_gloo = pytest.mark.skipif(
    not (
        distributed.is_available()
        and distributed.is_gloo_available()
        and "forkserver" in multiprocessing.get_all_start_methods()
    ),
    reason="ranks are tried over torch.distributed's gloo, started by a fork server: this machine lacks one of them",
)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A rank after its end."""

    status: int | None
    out: str
    err: str


def ended_on_ranks(folder: Path, *arguments: str) -> list[Ended]:
    """Run `trainsense ARGUMENTS` on two ranks in `folder` to their ends."""
    return on_ranks(folder, _command_line, arguments)


def on_ranks(folder: Path, entry: Callable[..., None], *arguments: Any) -> list[Ended]:
    """Call a function on two ranks in `folder`, in new processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [*PRELOADED, "trainsense.diagnosis", "trainsense.cli.main", "trainsense.cli.rendering"]
    )
    port = _free_port()
    ranks = [
        context.Process(target=_run, args=(rank, port, folder, entry, arguments), daemon=True) for rank in range(COUNT)
    ]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(PATIENCE)
    late = [one for one in ranks if one.is_alive()]
    for one in late:
        one.kill()
    ended = [
        Ended(status=one.exitcode, out=(folder / f"out{rank}").read_text(), err=(folder / f"err{rank}").read_text())
        for rank, one in enumerate(ranks)
    ]
    assert not late, f"ranks that did not end: {ended}"
    return ended


def _run(rank: int, port: int, folder: Path, entry: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": COUNT, "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})
    os.chdir(folder)
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(f"{name}{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    entry(*arguments)


def _command_line(arguments: tuple[str, ...]) -> None:
    sys.argv = ["trainsense", *arguments]
    main()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])
