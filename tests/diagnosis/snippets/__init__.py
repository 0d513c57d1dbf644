"""The snippets, executed."""
