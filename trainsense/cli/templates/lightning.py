"""A LightningModule on generated data: replace it part by part with your own training.

Needs Lightning: pip install 'trainsense-diagnostics[lightning]'
What trainsense needs is a Workload: how the model is built, fed, scored and optimised.
    trainsense preflight FILE                checks setup, layers, architecture: seconds
    trainsense diagnose FILE --budget 5m     tries learning rates, warmup, clipping, fixes

Your LightningModule stays as it is: the functions below it call its own methods, as a
Trainer would. Random numbers: draw them from torch's, NumPy's or Python's global
generators. They are seeded, so that settings are compared on the same batches.
"""

import warnings
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from trainsense import Workload

FEATURES, CLASSES = 20, 4


class Classifier(L.LightningModule):
    """YOURS: your LightningModule, or an import of it."""

    def __init__(self, lr: float = 0.01, width: int = 64) -> None:
        super().__init__()
        self.lr = lr
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

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Return the mean loss of one batch."""
        inputs, labels = batch
        loss = nn.functional.cross_entropy(self(inputs), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimizer at `self.lr`."""
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.01)


class Data(L.LightningDataModule):
    """YOURS: your LightningDataModule, or plain DataLoaders."""

    def __init__(self, examples: int = 4096) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)  # the same data in every process
        inputs = torch.randn(examples, FEATURES, generator=generator)
        first, second = inputs[:, :2].sum(dim=1) > 0, inputs[:, 2] * inputs[:, 3] > 0
        dataset = TensorDataset(inputs, 2 * first.long() + second.long())
        self.train, self.held_out = random_split(dataset, [0.8, 0.2], generator)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Return the training batches."""
        return DataLoader(self.train, batch_size=64, shuffle=True, drop_last=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Return batches that are never trained on."""
        return DataLoader(self.held_out, batch_size=256)


DATA = Data()  # call its prepare_data() and setup("fit") here if it has them
# Without a Trainer `self.log` has nowhere to log to, and says so: that is as it should be.
warnings.filterwarnings("ignore", message=r"You are trying to `self\.log\(\)`")


def loss(module: Any, batch: list[Tensor]) -> Tensor:
    """Return what training_step returns; where that is a dict, its "loss"."""
    return module.training_step(batch, 0)


def optimizer(module: Any, lr: float) -> torch.optim.Optimizer:
    """Let configure_optimizers build it at the lr that is tried.

    Set what yours reads (self.hparams.lr, say). Where it returns a dict or lists, return
    the optimizer in it: the schedule is named below instead.
    """
    module.lr = lr
    return module.configure_optimizers()


workload = Workload(
    model=Classifier,  # called once for every trial: fresh weights
    data=DATA.train_dataloader,  # called again whenever the batches run out
    loss=loss,
    # From here on everything is optional: delete what you do not have.
    optimizer=optimizer,
    eval_data=DATA.val_dataloader,  # scored on; left out: on the training loss
    metrics=None,  # (module, batch) -> {"accuracy": tensor, ...}, on held-out batches
    # How you train today: the baseline that everything is compared with.
    lr=0.01,  # left out: no baseline; the best lr is searched all the same
    schedule="cosine",  # a name in trainsense.SCHEDULES, or step -> factor on lr
    clip_norm=None,  # the Trainer's gradient_clip_val
    max_train_steps=2000,  # the Trainer's max_steps, in optimizer steps
    accumulate=1,  # the Trainer's accumulate_grad_batches
    autocast=None,  # torch.bfloat16 for precision="bf16-mixed"
)
