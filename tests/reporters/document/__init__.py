"""Tests of reports and comparisons as documents."""
