"""Tests of `trainsense.runners`."""
