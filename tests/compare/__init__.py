"""Tests of `trainsense.compare`."""
