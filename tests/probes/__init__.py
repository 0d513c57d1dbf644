"""Tests of `trainsense.probes`."""
