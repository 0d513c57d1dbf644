"""Random streams and the user's global state."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainsense.workload.seeding import derived_seed, global_state_kept, random_state_kept, seed_all


@given(st.integers(0, 2**40), st.text(max_size=10))
def test_derived_seeds_fit_every_generator(seed: int, stream: str) -> None:
    """Below 2^32, as NumPy wants it."""
    with random_state_kept():
        seed_all(derived_seed(seed, stream))
    assert 0 <= derived_seed(seed, stream) < 2**32


def test_streams_differ() -> None:
    """By seed, by name and by number."""
    seeds = [
        derived_seed(seed, name, number) for seed in range(5) for name in ("weights", "data") for number in range(5)
    ]
    assert len(set(seeds)) == len(seeds)


def draws() -> tuple[float, float, float]:
    """Draw once from each generator."""
    return random.random(), float(np.random.standard_normal()), float(torch.rand(()))


def disturb() -> None:
    """Seed, draw and raise."""
    with random_state_kept():
        seed_all(1)
        draws()
        raise KeyError


def change_everything() -> None:
    """Change every setting and raise."""
    with global_state_kept():
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(2)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_float32_matmul_precision("medium")
        torch.autograd.set_detect_anomaly(True, check_nan=True)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic
        raise KeyError


def test_the_generators_are_put_back() -> None:
    """After an error too."""
    with random_state_kept():
        expected = draws()
    with pytest.raises(KeyError):
        disturb()
    with random_state_kept():
        assert draws() == expected


def test_all_settings_are_put_back() -> None:
    """Default dtype, threads, gradient mode, determinism, precision, anomaly detection."""

    def settings() -> list[object]:
        return [
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.get_float32_matmul_precision(),
            torch.is_anomaly_enabled(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ]

    before = settings()
    with pytest.raises(KeyError):
        change_everything()
    assert settings() == before


def test_precision_set_by_backend_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set by `torch.backends.cuda.matmul.fp32_precision`, torch refuses to tell the older figure; setting that undoes it."""

    def refuses() -> str:
        msg = "you have used mix of the legacy and new APIs"
        raise RuntimeError(msg)

    written: list[str] = []
    monkeypatch.setattr(torch, "get_float32_matmul_precision", refuses)
    monkeypatch.setattr(torch, "set_float32_matmul_precision", written.append)
    with global_state_kept():
        pass
    assert not written
