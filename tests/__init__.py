"""Tests of trainsense."""
