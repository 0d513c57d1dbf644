"""Evidence of the first look: is the data finite, does the same seed give the same trace."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the check of the setup saw.

    Attributes:
        deterministic: whether two runs of the same seed, data read anew, gave the same trace.
        first_difference: 0-based step at which the two losses first differed, None if they did not.
        difference: largest relative difference of the two losses.
        likely_causes: sentences that name what in the workload may draw other random numbers.
        only_batches_differ: whether weights agree and the batches do not.
        batches_scanned: number of training batches whose values were looked at.
        non_finite: one entry per batch with NaN or infinite values: `(batch index, where in the batch, count)`.
        first_loss: training loss of the fresh model on the first batch.
    """

    deterministic: bool
    first_difference: int | None
    difference: float
    likely_causes: tuple[str, ...]
    only_batches_differ: bool
    batches_scanned: int
    non_finite: tuple[tuple[int, str, int], ...]
    first_loss: float
