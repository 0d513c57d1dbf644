"""What a loss is made of: which predictions it compares with which targets, read off the autograd graph and its operands."""

from trainsense.probes.loss_terms.broadcasting import Crossing, crossings, fewer_examples
from trainsense.probes.loss_terms.combining import Key, combined, key
from trainsense.probes.loss_terms.failing import out_of_range_targets
from trainsense.probes.loss_terms.ground import Ground
from trainsense.probes.loss_terms.labels import Origin, counted, is_vocabulary, origin
from trainsense.probes.loss_terms.last_layers import last_layers, zeroed
from trainsense.probes.loss_terms.operands import Operands
from trainsense.probes.loss_terms.reading import Reading
from trainsense.probes.loss_terms.recognised import readings

__all__ = [
    "Crossing",
    "Ground",
    "Key",
    "Operands",
    "Origin",
    "Reading",
    "combined",
    "counted",
    "crossings",
    "fewer_examples",
    "is_vocabulary",
    "key",
    "last_layers",
    "origin",
    "out_of_range_targets",
    "readings",
    "zeroed",
]
