"""Tests of the border to the user's code."""
