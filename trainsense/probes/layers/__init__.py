"""What runs forward and back through each layer of a live model, on copies of it."""

from trainsense.probes.layers.look import LayersSeen, look_into_layers

__all__ = ["LayersSeen", "look_into_layers"]
