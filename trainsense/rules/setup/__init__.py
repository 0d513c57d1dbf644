"""Rules on the setup: data, determinism."""
