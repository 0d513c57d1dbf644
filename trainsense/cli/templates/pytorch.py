"""A classifier on generated data: replace it part by part with your own training.

What trainsense needs is a Workload: how the model is built, fed, scored and optimised.
    trainsense preflight FILE                checks setup, layers, architecture: seconds
    trainsense diagnose FILE --budget 5m     tries learning rates, warmup, clipping, fixes

Random numbers: draw them from torch's, NumPy's or Python's global generators. They are
seeded, so that two settings are compared on the same weights and the same batches.
"""

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split
from trainsense import Workload

FEATURES, CLASSES = 20, 4


def generated(examples: int = 4096) -> Dataset[tuple[Tensor, ...]]:
    """Make inputs, and labels that a linear model does not find.

    YOURS: your dataset. Inputs of mean 0 and standard deviation 1 train best.
    """
    generator = torch.Generator().manual_seed(0)  # the same data in every process
    inputs = torch.randn(examples, FEATURES, generator=generator)
    first, second = inputs[:, :2].sum(dim=1) > 0, inputs[:, 2] * inputs[:, 3] > 0
    return TensorDataset(inputs, 2 * first.long() + second.long())


# Split once, with a generator of its own: what is held out must never be trained on.
SPLIT = torch.Generator().manual_seed(1)
TRAIN, HELD_OUT = random_split(generated(), [0.8, 0.2], SPLIT)


class Classifier(nn.Module):
    """YOURS: your model. It returns raw scores (logits): the loss applies softmax."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(FEATURES, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, CLASSES),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Give one score for each class."""
        return self.layers(inputs)


def model() -> nn.Module:
    """Build a model with fresh weights; called once for every trial."""
    return Classifier()


def data() -> DataLoader[tuple[Tensor, ...]]:
    """Return the training batches; called again whenever they run out."""
    return DataLoader(TRAIN, batch_size=64, shuffle=True, drop_last=True)


def loss(net: nn.Module, batch: list[Tensor]) -> Tensor:
    """Return the mean loss of one batch, as your training step computes it."""
    inputs, labels = batch
    return nn.functional.cross_entropy(net(inputs), labels)


# From here on everything is optional: delete what you do not have.


def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Build your optimizer at the given lr; trainsense tries others than yours."""
    return torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.01)


def held_out() -> DataLoader[tuple[Tensor, ...]]:
    """Return batches that are never trained on: what every setting is scored on."""
    return DataLoader(HELD_OUT, batch_size=256)


def metrics(net: nn.Module, batch: list[Tensor]) -> dict[str, Tensor]:
    """Return further figures of a held-out batch, by name."""
    inputs, labels = batch
    return {"accuracy": (net(inputs).argmax(dim=1) == labels).float().mean()}


workload = Workload(
    model=model,
    data=data,
    loss=loss,
    optimizer=optimizer,  # left out: AdamW with torch's defaults
    eval_data=held_out,  # left out: settings are scored on the training loss
    metrics=metrics,  # left out: none
    # How you train today: the baseline that everything is compared with.
    lr=0.01,  # left out: no baseline; the best lr is searched all the same
    schedule="cosine",  # a name in trainsense.SCHEDULES, or step -> factor on lr
    clip_norm=None,  # clipping threshold: global L2 norm of the gradient
    max_train_steps=2000,  # planned length of the real run, in optimizer steps
    accumulate=1,  # batches per optimizer step
    autocast=None,  # torch.bfloat16, or torch.float16 (brings a GradScaler)
)
