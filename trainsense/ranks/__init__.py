"""Several processes that train each trial together: what they tell each other (started by torchrun)."""
