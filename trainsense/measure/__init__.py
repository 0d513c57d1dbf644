"""What can be computed from arrays: no model, no torch."""
