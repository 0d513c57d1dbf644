"""Labels against the head."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.looking import findings, looked
from tests.rules.setup.losses import binary, classes, cross_entropy, loud, net, terms, with_logits, workload
from trainsense import Workload
from trainsense.errors import UserCodeError
from trainsense.records.finding import NotAssessed
from trainsense.rules.setup.labels_mismatch import judge

Source = Callable[[], Iterator[tuple[Tensor, Tensor]]]


def stray(label: int, index: int) -> Source:
    """Return a source with one bad label in one of its batches."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for position in range(40):
            inputs, labels = classes()
            if position == index:
                labels[3] = label
            yield inputs, labels

    return data


def counted_from_one() -> tuple[Tensor, Tensor]:
    """Draw inputs with labels from 1 to 10."""
    inputs, labels = classes()
    return inputs, labels + 1


def signs() -> tuple[Tensor, Tensor]:
    """Draw inputs with targets of -1 and 1."""
    inputs, targets = binary()
    return inputs, 2 * targets - 1


class Next(nn.Module):
    """A model of the next token."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(vocabulary, 16), nn.Linear(16, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores."""
        scores: Tensor = self.head(self.embedding(tokens))
        return scores


def next_token(model: nn.Module, tokens: Tensor) -> Tensor:
    """Return the loss of a language model."""
    return functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


def contrastive(model: nn.Module, batch: Tensor) -> Tensor:
    """Return a loss whose right answer is always the first."""
    one, other = functional.normalize(model(batch)), functional.normalize(model(batch + 0.1)).detach()
    negatives = functional.normalize(torch.randn(50, 16))
    scores = torch.cat([(one * other).sum(dim=1, keepdim=True), one @ negatives.T], dim=1)
    return functional.cross_entropy(5 * scores, torch.zeros(len(batch), dtype=torch.long))


def pixels() -> tuple[Tensor, Tensor]:
    """Draw images with a class for each pixel, some ignored."""
    inputs = torch.randn(2, 3, 8, 8)
    labels = (inputs.sum(dim=1) > 0).long() + (inputs[:, 0] > 0).long()
    labels[:, 0] = 255
    return inputs, labels


FAULTS: dict[str, tuple[Workload, str]] = {
    "too large, late": (workload(net(10), classes, cross_entropy, data=stray(10, 35)), "error"),
    "too large, in the second batch": (workload(net(10), classes, cross_entropy, data=stray(10, 1)), "error"),
    "negative": (workload(net(10), classes, cross_entropy, data=stray(-1, 6)), "error"),
    "signs for a binary loss": (workload(net(1), signs, with_logits), "error"),
    "a head of a thousand": (workload(net(1000), classes, cross_entropy), "warning"),
    "one class alone": (
        workload(net(10), lambda: (torch.randn(32, 8), torch.full((32,), 3)), cross_entropy),
        "warning",
    ),
}
SOUND: dict[str, Workload] = {
    "filled": workload(net(10), classes, cross_entropy),
    "few examples": workload(net(10), lambda: classes(examples=2), cross_entropy),
    "many classes, few examples": workload(
        net(1000), lambda: (torch.randn(8, 8), torch.randint(0, 1000, (8,))), cross_entropy
    ),
    "a vocabulary, mostly unused": workload(lambda: Next(256), lambda: torch.randint(0, 20, (16, 12)), next_token),
    "contrastive": workload(net(16), lambda: torch.randn(32, 8), contrastive),
    "ignored pixels": workload(
        lambda: nn.Conv2d(3, 3, 3, padding=1),
        pixels,
        lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1], ignore_index=255),
    ),
    "counted from 1, mended in the loss": workload(
        net(10),
        counted_from_one,
        lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1] - 1),
    ),
}


@pytest.mark.parametrize(("subject", "severity"), FAULTS.values(), ids=FAULTS.keys())
def test_labels_that_do_not_fit_are_named(subject: Workload, severity: str) -> None:
    """By this rule alone."""
    found = loud(subject)
    assert {name: one.severity for name, one in found.items()} == {"labels-mismatch": severity}


@pytest.mark.parametrize("subject", SOUND.values(), ids=SOUND.keys())
def test_labels_that_fit_are_none(subject: Workload) -> None:
    """Nor labels that the loss itself makes."""
    assert not loud(subject)


def test_an_unused_vocabulary_is_a_note() -> None:
    """Tokens come and go."""
    assert findings(SOUND["a vocabulary, mostly unused"])["labels-mismatch"].severity == "note"


def test_the_batch_and_the_label_are_told() -> None:
    """So that it can be looked up."""
    found = loud(FAULTS["too large, late"][0])["labels-mismatch"]
    assert "Label 10 in batch 35" in found.title
    assert found.evidence["where"] == "batch[1]"


def test_a_first_batch_that_raises_tells_its_labels() -> None:
    """In the dry run, which cannot go on."""
    subject = workload(net(10), lambda: (torch.randn(64, 8), torch.arange(64) % 10 + 1), cross_entropy)
    with pytest.raises(UserCodeError, match=r"labels run from 1 to 10, but the head has 10 classes.*count them from 0"):
        looked(subject)


def test_the_judgement_needs_no_labels_to_pass() -> None:
    """Where none are known it says so."""
    assert isinstance(judge(terms()), NotAssessed)
