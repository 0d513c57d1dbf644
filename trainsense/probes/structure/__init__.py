"""How a model is put together, read off the autograd graph of one loss: layers, residual connections, norms, activations.

Works for whatever the user's code does, since nothing of it is looked at but what it computed: functional code, custom
blocks, dynamic control flow. Blind to what autograd does not record: frozen parameters, compiled or reentrantly
checkpointed parts.
"""

from trainsense.probes.structure.calls import Call, is_norm_layer
from trainsense.probes.structure.copies import copied
from trainsense.probes.structure.following import activation_after
from trainsense.probes.structure.graph import Graph, Op
from trainsense.probes.structure.hidden import hidden_activations
from trainsense.probes.structure.layers import Applied, Form, Layer, added_parameter, layer
from trainsense.probes.structure.live import LiveLoss
from trainsense.probes.structure.recording import TooManyOpsError, live_loss, loss_graph
from trainsense.probes.structure.residuals import Residual, post_norm, residuals
from trainsense.probes.structure.users_files import shown

__all__ = [
    "Applied",
    "Call",
    "Form",
    "Graph",
    "Layer",
    "LiveLoss",
    "Op",
    "Residual",
    "TooManyOpsError",
    "activation_after",
    "added_parameter",
    "copied",
    "hidden_activations",
    "is_norm_layer",
    "layer",
    "live_loss",
    "loss_graph",
    "post_norm",
    "residuals",
    "shown",
]
