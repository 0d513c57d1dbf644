"""Tests of `trainsense.reporters.comparison`."""
