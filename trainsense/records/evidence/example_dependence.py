"""Evidence of whether one example's output depends on the other examples of its batch."""

from dataclasses import dataclass

from trainsense.records.location import Location


@dataclass(frozen=True, kw_only=True)
class ExampleDependence:
    """The model, after its warm start and in evaluation mode, with single examples exchanged.

    Attributes:
        axis: the axis along which examples lie, 0 or 1; None where that is not known.
        examples: examples per batch.
        exchanged: how many were exchanged, one after the other.
        change_in_others: largest root mean square change of another example's output, root mean square over exchanges.
        change_in_own: root mean square change of the exchanged example's own output.
        relative_change: largest change in the others' outputs over the outputs' root mean square.
        later_only: whether only examples after the exchanged one changed.
        gradient_share: gradient of one example's output with respect to the other examples' inputs, as a share of that with
            respect to all inputs; None where there is none to be had.
        softmax_over_batch: softmax operations that normalise across the examples.
        unseen: why it could not be measured or judged; empty if it was.
    """

    axis: int | None
    examples: int
    exchanged: int
    change_in_others: float
    change_in_own: float
    relative_change: float
    later_only: bool
    gradient_share: float | None
    softmax_over_batch: tuple[Location, ...] = ()
    unseen: str = ""
