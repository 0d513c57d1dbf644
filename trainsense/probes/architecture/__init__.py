"""How a model is put together, measured at initialisation: residual sums, the plain stack, batch normalisation."""

from trainsense.probes.architecture.look import HiddenPartsError, Structure, end_varying, structure

__all__ = ["HiddenPartsError", "Structure", "end_varying", "structure"]
