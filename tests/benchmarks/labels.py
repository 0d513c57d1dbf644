"""Brute force behind the workloads' labels: score over the learning rate, and what warmup and clipping change.

Run: python -m tests.benchmarks.labels FILE [LOWEST HIGHEST] [SEED ...]
"""
import statistics
import sys
import time

import torch

from tests.benchmarks.plain_loop import GRID, train
from trainsense.workload.load import load

if __name__ == "__main__":
    torch.set_num_threads(1)
    w = load(sys.argv[1]).workload
    low, high = float(sys.argv[2]), float(sys.argv[3])
    for lr in [lr for lr in GRID.values() if low * .99 <= lr <= high * 1.01]:
        t = time.process_time()
        runs = [train(w, lr, s) for s in (50, 51, 52)]
        n = sum(len(r.losses) for r in runs)
        print(f"{lr:9.3g}", " ".join(f"{r.score:9.4g}" for r in runs), f"mean {statistics.fmean(r.score for r in runs):9.4g}", f"L0 {runs[0].initial:.4g} max {max(max(r.losses) for r in runs):.3g} {1e3*(time.process_time()-t)/n:.2f} ms", flush=True)
