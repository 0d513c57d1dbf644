"""Rules on the architecture: residual connections, normalisation."""
