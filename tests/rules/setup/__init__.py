"""Tests of `trainsense.rules`."""
