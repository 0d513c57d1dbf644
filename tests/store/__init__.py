"""Tests of `trainsense.store`."""
