"""Settings: what holds for an option that was not typed.

The command line comes first, then environment variables (`TRAINSENSE_FAIL_ON`), then `[tool.trainsense]` in the nearest
pyproject.toml that has the table, from the current directory upwards; then the default. One of them replaces the next
as a whole, lists too: `--ignore` on the command line does not add to a configured `ignore`.
"""
