"""What preflight costs on each recipe: its time over 10 s plus 100 training steps, its memory over one training step's.

Run: python -m tests.benchmarks.preflight_cost [RECIPE...]

Time is that of the whole look (the first look at data and determinism apart, which every command takes), median of three, with a
bare training loop of the same workload timed in between. Memory is the peak of what torch allocates, model and optimizer state
included, from building the model on; for training, over three steps. Exit 1 above a limit; that on memory holds from 10 MB a step on.

Measured 2026-11-21, torch 2.13, one thread of a shared machine; the last two are no recipes but models of 1.1 and 0.8 million
parameters:

| recipe | step ms | preflight s | allowed s | memory of a step MB | of preflight | ratio |
| --- | --- | --- | --- | --- | --- | --- |
| deep_residual_no_norm | 1.9 | 1.0 | 10.2 | 1.1 | 2.5 | 2.23 |
| deep_sigmoid | 0.7 | 0.3 | 10.1 | 0.3 | 0.7 | 2.13 |
| double_softmax | 0.7 | 0.2 | 10.1 | 0.2 | 0.3 | 1.83 |
| healthy_cnn | 2.5 | 0.5 | 10.2 | 1.6 | 2.7 | 1.65 |
| healthy_mlp | 1.0 | 0.3 | 10.1 | 0.6 | 1.3 | 2.39 |
| healthy_transformer | 6.5 | 1.2 | 10.6 | 3.2 | 6.3 | 1.97 |
| lr_too_high | 0.5 | 0.2 | 10.0 | 0.4 | 0.7 | 1.78 |
| lr_too_low | 0.5 | 0.2 | 10.0 | 0.4 | 0.7 | 1.78 |
| outlier_batches | 0.4 | 0.2 | 10.0 | 0.3 | 0.5 | 2.13 |
| post_norm_transformer | 14.8 | 5.9 | 11.5 | 6.2 | 8.3 | 1.34 |
| pre_norm_transformer | 15.7 | 5.1 | 11.6 | 6.2 | 8.3 | 1.33 |
| wide_resnet | 7.9 | 1.3 | 10.8 | 2.0 | 3.0 | 1.47 |
| wide_resnet_stride | 8.8 | 1.7 | 10.9 | 5.5 | 7.6 | 1.37 |
| wide_mlp | 10.1 | 3.3 | 11.0 | 26.4 | 35.8 | 1.36 |
| deep_transformer | 120.7 | 10.7 | 22.1 | 69.4 | 76.2 | 1.10 |
"""

import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch

from tests.peak_memory import peak_bytes
from trainsense.protocol.preflight import preflight
from trainsense.runners.bench import Bench, prepare
from trainsense.workload.load import load
from trainsense.workload.optimizers import build_optimizer

LARGE = [Path(__file__).parent / "workloads" / name for name in ("wide_mlp.py", "deep_transformer.py")]
RECIPES = sorted(Path(__file__).parents[2].joinpath("recipes").glob("*.py"))
STEPS, REPEATS = 30, 3
SECONDS, TRAINING_STEPS, MEMORY = 10.0, 100, 1.5
SMALL = 10e6
"""Bytes. Below this a few copies of the model weigh more than a step, and nobody runs out of memory."""


def train(bench: Bench, steps: int) -> float:
    """Train as a plain loop does; return the seconds of a step."""
    model = bench.fresh_model(0)
    optimizer = build_optimizer(bench.workload, model, bench.workload.lr or 1e-3, None)
    batches = bench.training_batches(0)
    started = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        bench.loss(model, next(batches)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return (time.perf_counter() - started) / steps


def look(bench: Bench) -> float:
    """Look into the workload; return the seconds that it took."""
    started = time.perf_counter()
    preflight(bench, 0, adaptive=True)
    return time.perf_counter() - started


def main(paths: list[Path]) -> int:
    """Print the table; return 1 above a limit."""
    torch.set_num_threads(1)
    over = 0
    print("| recipe | step ms | preflight s | allowed s | memory of a step MB | of preflight | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path in paths:
        bench = prepare(load(str(path)).workload, torch.device("cpu"), 0)
        pairs = [(train(bench, STEPS), look(bench)) for _ in range(REPEATS)]
        step, seconds = median(one for one, _ in pairs), median(two for _, two in pairs)
        allowed = SECONDS + TRAINING_STEPS * step
        training, looking = peak_bytes(partial(train, bench, 3)), peak_bytes(partial(look, bench))
        ratio = looking / training
        over += seconds > allowed or (training > SMALL and ratio > MEMORY)
        row = (path.stem, f"{1000 * step:.1f}", f"{seconds:.1f}", f"{allowed:.1f}", f"{training / 1e6:.1f}")
        print("|", " | ".join((*row, f"{looking / 1e6:.1f}", f"{ratio:.2f}")), "|", flush=True)
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or [*RECIPES, *LARGE]))
