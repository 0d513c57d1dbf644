"""What the parameters of a live model do: held by the optimizer, given a gradient, taking part in the loss."""

from trainsense.probes.parameters.blocked import Block, blocked
from trainsense.probes.parameters.held import held_tensors, parameter_groups
from trainsense.probes.parameters.part import taking_part
from trainsense.probes.parameters.unregistered import unregistered
from trainsense.probes.parameters.watch import ParameterWatch, SeenParameter

__all__ = [
    "Block",
    "ParameterWatch",
    "SeenParameter",
    "blocked",
    "held_tensors",
    "parameter_groups",
    "taking_part",
    "unregistered",
]
