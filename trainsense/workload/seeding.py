"""Random streams derived from a seed, so that weights, data order and per-step randomness never shift each other."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainsense.probes.numpy_state import seed_numpy


def derived_seed(seed: int, *stream: str | int) -> int:
    """Return a seed below 2^32 for the named stream of `seed`.

    >>> derived_seed(0, "weights") == derived_seed(0, "weights") != derived_seed(0, "data", 0)
    True
    """
    text = "/".join(str(part) for part in (seed, *stream))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@dataclass(frozen=True, kw_only=True)
class RandomState:
    """The state of Python's, NumPy's and torch's global generators."""

    python: Any
    numpy: Any
    torch_cpu: Tensor
    cuda: list[Tensor]

    @staticmethod
    def capture() -> "RandomState":
        """Return the current state."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        return RandomState(
            python=random.getstate(), numpy=np.random.get_state(), torch_cpu=torch.get_rng_state(), cuda=cuda
        )

    def restore(self) -> None:
        """Make this the current state."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch_cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)


def seed_all(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators; `seed` below 2^32."""
    random.seed(seed)
    seed_numpy(seed)
    if _has_accelerator():
        torch.manual_seed(seed)
    else:  # the former would note for each kind of device, should it be set up one day, from where it was called
        torch.default_generator.manual_seed(seed)


@cache
def _has_accelerator() -> bool:
    return torch.accelerator.is_available()


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave the global generators as they were."""
    state = RandomState.capture()
    try:
        yield
    finally:
        state.restore()


@contextmanager
def global_state_kept() -> Iterator[None]:
    """Leave all of the user's global settings as they were: generators, default dtype, threads, gradient mode, flags."""
    dtype = torch.get_default_dtype()
    threads = torch.get_num_threads()
    grad = torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    precision = _matmul_precision()
    anomaly = torch.is_anomaly_enabled()
    benchmark, cudnn_deterministic = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    try:
        with random_state_kept():
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        if precision is not None and precision != _matmul_precision():
            torch.set_float32_matmul_precision(precision)
        torch.autograd.set_detect_anomaly(anomaly)
        torch.backends.cudnn.benchmark = benchmark
        torch.backends.cudnn.deterministic = cudnn_deterministic


def _matmul_precision() -> str | None:
    """Return float32's, None where it was set backend by backend: torch then refuses to tell it, and setting it undoes that."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return None
