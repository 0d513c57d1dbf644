"""The vocabulary: trials, runs, evidence, findings, fixes, reports. Standard library and NumPy only."""
