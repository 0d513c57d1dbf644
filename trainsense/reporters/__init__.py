"""Reporters: a `Report` to a stream, one format a file; charts and tables from evidence and runs."""
