"""Workload files to start from, written by `trainsense init` as they are; trainsense itself imports none of them."""
