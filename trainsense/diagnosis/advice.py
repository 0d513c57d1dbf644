"""Fixes that trainsense knows and cannot make in the user's model: advice in words, untested (PROTOCOL 9)."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from trainsense.records.finding import Finding

BY_HAND: Final = "It changes the model's own code, which trainsense does not edit: make it, and run trainsense again."

ADVICE: Final = MappingProxyType(
    {
        "qk-norm": "Normalise queries and keys before their product (QK-norm; Wortsman et al. 2023)",
        "z-loss": "Add 1e-4 times the squared log of the softmax normaliser to the loss (z-loss; Chowdhery et al. 2022)",
        "add-normalization": "Add a normalisation layer to each block",
        "add-residual": "Add residual connections around the blocks",
        "remove-softmax": "Remove the softmax (or sigmoid) in front of what applies it again, or between hidden layers",
        "optimize-all-parameters": "Hand the optimizer all parameters that are to be trained",
        "larger-batch": "Train with a larger batch",
    }
)
"""What each of them is, in one line."""

ALSO: Final = MappingProxyType({"attention-logits-growing": ("z-loss",)})
"""Advice for a finding beside the fixes that it names, where the evidence for it is weaker."""


def advice_for(findings: Sequence[Finding]) -> Iterator[tuple[str, str, str]]:
    """Yield name, text and the reason why it is untested, for each fix that the findings call for and that has to be made by hand."""
    seen = set()
    for finding in findings:
        for name in (*finding.fixes, *ALSO.get(finding.rule, ())):
            if name in ADVICE and name not in seen:
                seen.add(name)
                yield name, ADVICE[name], BY_HAND
