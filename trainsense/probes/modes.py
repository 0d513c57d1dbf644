"""Modes in which a loss is measured without training: the model is left exactly as it was."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from trainsense.probes.numpy_state import numpy_state_kept


@contextmanager
def _measuring(model: nn.Module, *, gradient: bool) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    python, cpu = random.getstate(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        with numpy_state_kept(), torch.set_grad_enabled(gradient):
            yield
    finally:
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        for module, training in modes:
            module.training = training


@contextmanager
def evaluation_mode(model: nn.Module, *, gradient: bool = False) -> Iterator[None]:
    """Evaluation mode, Python's, NumPy's and torch's generators left as they were.

    Args:
        model: the live model.
        gradient: whether the loss itself differentiates (a gradient penalty, a physics-informed loss).
    """
    with _measuring(model, gradient=gradient):
        model.eval()
        yield


@contextmanager
def probe_mode(model: nn.Module, examples: int, *, gradient: bool = False) -> Iterator[None]:
    """Dropout off, normalisation by batch statistics with its buffers untouched (PROTOCOL 0).

    Args:
        model: the live model.
        examples: examples per batch; with a single one batch statistics mean nothing and evaluation mode is used.
        gradient: whether the loss itself differentiates.
    """
    with _measuring(model, gradient=gradient):
        model.eval()
        tracking = [
            module for module in model.modules() if isinstance(module, _NormBase) and module.track_running_stats
        ]
        buffers = [(module.running_mean, module.running_var) for module in tracking]
        if examples > 1:
            for module in tracking:
                module.training, module.track_running_stats = True, False
                module.running_mean = module.running_var = None  # instance normalisation updates what it is given
        try:
            yield
        finally:
            for module, (mean, variance) in zip(tracking, buffers, strict=True):
                module.track_running_stats, module.running_mean, module.running_var = True, mean, variance
