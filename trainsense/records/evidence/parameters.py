"""Evidence of what the parameters do in training: which get a gradient, which the optimizer holds, which take part."""

from dataclasses import dataclass
from typing import Literal

GradientSeen = Literal["none", "zero", "some"]
"""Never a gradient; one that is exactly zero in every entry at every step; one that is not, at any step."""


@dataclass(frozen=True, kw_only=True)
class ParameterUse:
    """One parameter of the model over the warm start.

    Attributes:
        name: its first name, `layers.3.linear1.weight`.
        module: path of the module that holds it, `layers.3.linear1`; empty for the model itself.
        size: number of scalars.
        trainable: whether it requires a gradient.
        held: whether the optimizer updates it: it lists it, or an update changed it.
        gradient: what gradient it got.
        takes_part: whether another value of it gives another loss on the same batch and the same random draw, although it
            gets no gradient there; None where that was not tried.
        moved: whether its values change between updates, by other means than the optimizer (a moving average, say).
        blocked_by: kind of the operation without a useful derivative that stands between it and the loss ("Round"), empty
            if no such is known.
        file: file of the user's line that called that operation, empty if unknown.
        line: that line, None if unknown.
    """

    name: str
    module: str
    size: int
    trainable: bool
    held: bool
    gradient: GradientSeen
    takes_part: bool | None = None
    moved: bool = False
    blocked_by: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class UnregisteredParameter:
    """A tensor that gets a gradient and is no parameter of the model.

    Attributes:
        shape: its shape.
        size: number of scalars.
        module: path of the module whose call uses it, empty for the model itself or outside of all calls.
        within_model: whether it belongs to the model (kept in a list, a dictionary, a plain attribute), rather than to
            something outside of it that the loss uses.
        renewed: whether every forward pass makes a new one.
        held: whether the optimizer lists it all the same.
        file: file of the user's line that uses it first, empty if unknown.
        line: that line, None if unknown.
    """

    shape: tuple[int, ...]
    size: int
    module: str
    within_model: bool
    renewed: bool
    held: bool
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class ParameterCheck:
    """What each parameter did over the warm start.

    Attributes:
        steps: steps whose gradients were seen.
        parameters: in the order of `model.named_parameters()`, tied ones once.
        unregistered: tensors that get a gradient without being parameters of the model.
        failed: why the warm start ended early, empty if it did not.
    """

    steps: int
    parameters: tuple[ParameterUse, ...]
    unregistered: tuple[UnregisteredParameter, ...] = ()
    failed: str = ""
