"""Sound: generative models, several heads, and unusual machinery of training."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.labelled.case import sound
from tests.labelled.faulty_data import mlp
from tests.labelled.ingredients import (
    CURVE,
    DIGITS,
    GROUP,
    INK,
    LABELS,
    RISK,
    TABLE,
    accuracy,
    adam,
    adamw,
    cross_entropy,
    explained,
    momentum,
    sgd,
    shuffled,
    squared_error,
)
from trainsense import Workload


class Variational(nn.Module):
    """A variational autoencoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(64, 48, 12), mlp(6, 48, 64)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encoder(pixels).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(code), mean, log_variance


def _elbo(model: nn.Module, batch: Any) -> Tensor:
    (pixels,) = batch
    logits, mean, log_variance = model(pixels)
    error = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(dim=1)
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1)
    return (error + divergence).mean()


def variational_autoencoder() -> Workload:
    """Noise in the forward pass, a divergence in the loss, a sum over pixels."""
    return Workload(model=Variational, data=shuffled(32, INK / 16), loss=_elbo, optimizer=adam, lr=3e-3)


def _reconstruction(model: nn.Module, batch: Any) -> Tensor:
    return functional.binary_cross_entropy(model(batch["pixels"]), batch["pixels"])


def autoencoder_of_probabilities() -> Workload:
    """Sigmoid outputs, targets between 0 and 1, a narrow middle."""

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8), nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid()
        )

    source = shuffled(32, INK / 16)
    return Workload(
        model=model,
        data=lambda: ({"pixels": pixels} for (pixels,) in source()),
        loss=_reconstruction,
        optimizer=adam,
        lr=5e-3,
    )


class Denoiser(nn.Module):
    """Predicts the noise in an image from the image and the time."""

    def __init__(self) -> None:
        super().__init__()
        self.time, self.net = nn.Linear(8, 32), mlp(96, 64, 64, nn.SiLU)
        self.register_buffer("pitches", 2.0 ** torch.arange(4))

    def forward(self, noisy: Tensor, time: Tensor) -> Tensor:
        waves = time * self.get_buffer("pitches")
        return self.net(torch.cat([noisy, self.time(torch.cat([waves.sin(), waves.cos()], dim=1))], dim=1))


def _denoising(model: nn.Module, batch: Any) -> Tensor:
    (rows,) = batch
    noise, time = torch.randn_like(rows), torch.rand(len(rows), 1)
    return functional.mse_loss(model((1 - time) * rows + time * noise, time), noise)


def denoising_diffusion() -> Workload:
    """New noise at every call: no batch is ever the same twice."""
    return Workload(model=Denoiser, data=shuffled(64, DIGITS), loss=_denoising, optimizer=adam, lr=3e-3)


class ThreeHeads(nn.Module):
    """A body with a head for each task."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(16, 32, 32)
        self.heads = nn.ModuleDict({"group": nn.Linear(32, 5), "value": nn.Linear(32, 1), "risk": nn.Linear(32, 1)})

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        x = functional.relu(self.body(rows))
        return {name: head(x) for name, head in self.heads.items()}


def _three_losses(model: nn.Module, batch: Any) -> Tensor:
    rows, group, value, risk = batch
    said = model(rows)
    risk_loss = functional.binary_cross_entropy_with_logits(said["risk"], risk)
    return functional.cross_entropy(said["group"], group) + 0.5 * functional.mse_loss(said["value"], value) + risk_loss


def three_tasks_at_once() -> Workload:
    """A loss that is a sum of losses."""
    return Workload(
        model=ThreeHeads, data=shuffled(32, TABLE, GROUP, CURVE, RISK), loss=_three_losses, optimizer=adam, lr=3e-3
    )


class Swish(torch.autograd.Function):
    """x sigmoid(x) with a backward pass by hand, rightly."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        gate = torch.sigmoid(x)
        return upstream[0] * (gate + x * gate * (1 - gate))


class SwishNet(nn.Module):
    """Layers with the function above."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList([nn.Linear(16, 32), nn.Linear(32, 32)]), nn.Linear(32, 1)

    def forward(self, rows: Tensor) -> Tensor:
        for layer in self.layers:
            rows = Swish.apply(layer(rows))  # type: ignore[no-untyped-call]
        return self.head(rows)


def backward_by_hand() -> Workload:
    """A custom autograd function that is right."""
    return Workload(model=SwishNet, data=shuffled(32, TABLE, CURVE), loss=squared_error, optimizer=momentum, lr=0.02)


def compiled_model() -> Workload:
    """torch.compile, without a compiler."""
    return Workload(
        model=lambda: torch.compile(mlp(64, 32, 10), backend="eager"),  # type: ignore[arg-type, return-value]
        data=shuffled(32, DIGITS, LABELS),
        loss=cross_entropy,
        optimizer=adam,
        lr=3e-3,
    )


def half_of_all_units_dropped() -> Workload:
    """Dropout of 0.5 behind every hidden layer."""

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(64, 96),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(96, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 10),
        )

    return Workload(model=model, data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=adamw, lr=3e-3)


def four_examples_with_layer_norm() -> Workload:
    """A small batch, and a normalisation that does not look at it."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 10))

    return Workload(model=model, data=shuffled(4, DIGITS, LABELS), loss=cross_entropy, optimizer=adam, lr=1e-3)


def gradients_of_four_batches() -> Workload:
    """Accumulated over small batches, with batch normalisation over sixteen of them, and a schedule."""

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 5))

    return Workload(
        model=model,
        data=shuffled(16, TABLE, GROUP),
        loss=cross_entropy,
        optimizer=momentum,
        lr=0.05,
        accumulate=4,
        schedule="cosine",
        max_train_steps=250,
    )


def logistic_regression() -> Workload:
    """One linear layer: no hidden unit to be dead, no depth to vanish in."""
    return Workload(
        model=lambda: nn.Linear(64, 10), data=shuffled(32, DIGITS, LABELS), loss=cross_entropy, optimizer=sgd, lr=0.1
    )


def bfloat16_under_autocast() -> Workload:
    """Coarse numbers in the forward pass; no lr given."""
    return Workload(
        model=lambda: mlp(16, 32, 1),
        data=shuffled(32, TABLE, CURVE),
        loss=squared_error,
        optimizer=adam,
        autocast=torch.bfloat16,
    )


CASES: Final = (
    sound(variational_autoencoder, "over-regularized", "bad-initial-loss", "cannot-overfit-batch"),
    sound(autoencoder_of_probabilities, "double-softmax", "output-range"),
    sound(denoising_diffusion, "cannot-overfit-batch", "ignores-input"),
    sound(three_tasks_at_once, "bad-initial-loss", "constant-output"),
    sound(backward_by_hand, "cannot-overfit-batch", score=explained),
    sound(compiled_model, score=accuracy),
    sound(half_of_all_units_dropped, "cannot-overfit-batch", "dead-relu", score=accuracy),
    sound(four_examples_with_layer_norm, "small-batch-norm", score=accuracy),
    sound(gradients_of_four_batches, "small-batch-norm", score=accuracy),
    sound(logistic_regression, "symmetric-init", "missing-normalization", score=accuracy),
    sound(bfloat16_under_autocast, "not-deterministic", score=explained),
)
