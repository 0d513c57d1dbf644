"""The sections of the text report: each turns a `Report` into things that rich can print."""
