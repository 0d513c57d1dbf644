"""Small workloads with one fault each, and sound ones that look like faults: the exam of preflight's rules.

`tests/benchmarks/labelled_truth.py` trains them all and says whether the labels are right.
"""
