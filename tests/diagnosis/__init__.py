"""Tests of `trainsense.diagnosis`."""
