"""The command line: one command a file; the only place that knows typer, streams and exit codes."""
