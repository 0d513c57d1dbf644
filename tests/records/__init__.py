"""Tests of `trainsense.records`."""
