"""What can be measured on a live model and its batches, read-only."""
