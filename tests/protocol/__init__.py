"""Tests of `trainsense.protocol`."""
