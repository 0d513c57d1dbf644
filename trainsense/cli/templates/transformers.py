"""A small BERT on generated sentences: replace it part by part with your own training.

Needs transformers: pip install 'trainsense-diagnostics[transformers]'
What trainsense needs is a Workload: how the model is built, fed, scored and optimised.
    trainsense preflight FILE                checks setup, layers, architecture: seconds
    trainsense diagnose FILE --budget 5m     tries learning rates, warmup, clipping, fixes

The settings are those of a Trainer with its default arguments. Random numbers: draw them
from torch's, NumPy's or Python's global generators. They are seeded, so that two settings
are compared on the same weights and the same batches.
"""

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from trainsense import Workload
from transformers import BertConfig, BertForSequenceClassification

TOKENS, LENGTH, CLASSES = 64, 12, 4


class Sentences(Dataset[dict[str, Tensor]]):
    """Random tokens, half of them of the sentence's class; which half, and which tokens, differs.

    YOURS: your tokenised dataset. An example is a dict of what the model's forward takes;
    from the `labels` in it the model computes its loss.
    """

    def __init__(self, examples: int = 2560) -> None:
        generator = torch.Generator().manual_seed(0)  # the same data in every process
        shape = (examples, LENGTH)
        self.labels = torch.randint(CLASSES, (examples,), generator=generator)
        anything = torch.randint(TOKENS, shape, generator=generator)
        fitting = anything - anything % CLASSES + self.labels[:, None]
        chosen = torch.rand(shape, generator=generator) < 0.5
        self.tokens = torch.where(chosen, fitting, anything)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return one example."""
        return {"input_ids": self.tokens[index], "labels": self.labels[index]}


SENTENCES = Sentences()
# Split once: what is held out must never be trained on.
TRAIN, HELD_OUT = Subset(SENTENCES, range(2304)), Subset(SENTENCES, range(2304, 2560))


def model() -> nn.Module:
    """Build a model with fresh weights; called once for every trial.

    YOURS: your config; or `from_pretrained(FOLDER)`, to train on from weights.
    """
    config = BertConfig(
        vocab_size=TOKENS,
        max_position_embeddings=LENGTH,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        initializer_range=0.1,  # 0.02 is for a hidden size of 768
        num_labels=CLASSES,
    )
    return BertForSequenceClassification(config)


def data() -> DataLoader[dict[str, Tensor]]:
    """Return the training batches; called again whenever they run out.

    YOURS: per_device_train_batch_size as batch_size, your collator as collate_fn.
    """
    return DataLoader(TRAIN, batch_size=16, shuffle=True, drop_last=True)


def held_out() -> DataLoader[dict[str, Tensor]]:
    """Return batches that are never trained on: what every setting is scored on."""
    return DataLoader(HELD_OUT, batch_size=256)


def loss(net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Return the loss that the model computes from the labels in its batch."""
    return net(**batch).loss


def metrics(net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return further figures of a held-out batch, by name."""
    guesses = net(**batch).logits.argmax(dim=1)
    return {"accuracy": (guesses == batch["labels"]).float().mean()}


def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Build what Trainer builds: AdamW, without weight decay unless weight_decay is set."""
    return torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.0)


workload = Workload(
    model=model,
    data=data,
    loss=loss,
    # From here on everything is optional: delete what you do not have.
    optimizer=optimizer,
    eval_data=held_out,  # left out: settings are scored on the training loss
    metrics=metrics,
    # How you train today: the baseline that everything is compared with.
    lr=0.003,  # learning_rate; Trainer's own 5e-5 is for weights that are pretrained
    schedule="linear",  # lr_scheduler_type, by a name in trainsense.SCHEDULES
    clip_norm=1.0,  # max_grad_norm
    max_train_steps=2000,  # max_steps, in optimizer steps
    accumulate=1,  # gradient_accumulation_steps
    autocast=None,  # torch.bfloat16 for bf16=True
)
