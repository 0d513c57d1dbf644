"""Tests of `trainsense.measure`."""
