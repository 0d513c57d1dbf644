"""Tests of what GitHub reads."""
