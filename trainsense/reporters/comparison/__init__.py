"""A comparison of two reports in every format."""

from trainsense.reporters.comparison.formats import COMPARISON_FORMATS

__all__ = ["COMPARISON_FORMATS"]
