"""Evidence of the scale of what enters the model: the data that its first layers read."""

from dataclasses import dataclass

from trainsense.records.location import Location


@dataclass(frozen=True, kw_only=True)
class FeatureScale:
    """One feature at an entry.

    Attributes:
        index: its position along the feature axis.
        mean: over all rows.
        std: standard deviation over all rows.
        rms: root mean square over all rows.
    """

    index: int
    mean: float
    std: float
    rms: float


@dataclass(frozen=True, kw_only=True)
class EntryScale:
    """The data that one layer reads before any parameter was applied to it.

    Figures are over the features that vary, all batches together.

    Attributes:
        location: the layer.
        shape: shape of what it reads, on the first batch.
        features: number of features: channels for a convolution, the last axis for a linear or recurrent layer.
        varying: how many of them vary.
        read_together: number of values that one of the layer's units sums up.
        rms: root mean square over the features that vary.
        mean: root mean square over features of their means.
        std: root mean square over features of their standard deviations.
        nonzero_rms: root mean square of the values that are not zero: the scale of sparse inputs.
        usual_rms: median over features of the root mean square of their values that are not zero.
        largest: the features of the largest root mean square, at most five, the largest first.
        above_usual: number of features more than a hundred times as large as is usual.
    """

    location: Location
    shape: tuple[int, ...]
    features: int
    varying: int
    read_together: int
    rms: float
    mean: float
    std: float
    nonzero_rms: float
    usual_rms: float
    largest: tuple[FeatureScale, ...]
    above_usual: int


@dataclass(frozen=True, kw_only=True)
class InputScales:
    """What enters the model.

    Attributes:
        batches: number of batches looked at.
        entries: layers that read data before any parameter was applied to it, in the order in which they run.
    """

    batches: int
    entries: tuple[EntryScale, ...]
