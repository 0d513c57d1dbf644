"""Tests of the report in a notebook."""

from tests.reporters.sample_reports import unhealthy
from trainsense.reporters.notebook import notebook_html


def test_the_html_is_escaped_and_styled_inline() -> None:
    """No style sheet, no markup of the user's, one element."""
    html = notebook_html(unhealthy())
    assert html.startswith("<pre style=")
    assert html.rstrip().endswith("</pre>")
    assert '<span style="' in html
    assert "<style" not in html
    assert "[red]net[/red]" in html
    assert "early-instability" in html
