"""A report as machines count it: one case a rule. JUnit, SARIF and GitHub's workflow commands are written from it."""

from trainsense.reporters.suite.case import Case, Status, Suite

__all__ = ["Case", "Status", "Suite"]
