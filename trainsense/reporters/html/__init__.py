"""HTML: one file that needs nothing beside it, runs nothing and fetches nothing."""

from trainsense.reporters.html.writing import write_html

__all__ = ["write_html"]
