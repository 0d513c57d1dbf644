"""What became better and worse between two saved reports."""

from trainsense.compare.comparing import compare_reports

__all__ = ["compare_reports"]
