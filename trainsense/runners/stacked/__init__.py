"""Many trials trained at once: one model whose parameters have a leading dimension, one slice per trial."""
