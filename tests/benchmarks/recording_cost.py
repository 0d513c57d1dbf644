"""What recording costs: CPU time of a whole sequential trial over that of a bare loop that records nothing.

Run: python -m tests.benchmarks.recording_cost [PAIRS]

One thread. A trial is what a sweep runs: 300 steps, the probe every 15, a score at the end, on held-out data where the workload has
any. The bare loop has the same batches in memory, the same weights and the same optimizer. Exit 1 above a target.

Measured 2026-11-21, torch 2.13 on a shared machine, 7 pairs; milliseconds of CPU a step:

| workload                              | bare  | trial | ratio (pairs)       | target |
| ------------------------------------- | ----- | ----- | ------------------- | ------ |
| MLP 64-64-10, batch 64                | 0.43  | 0.55  | 1.28 (1.00 to 1.46) | 1.5    |
| CNN 16-32-32-32 on 16x16, batch 64    | 11.22 | 11.90 | 1.06 (1.02 to 1.13) | 1.1    |
| transformer 2x32, 16 tokens, batch 64 | 12.49 | 12.82 | 1.03 (0.86 to 1.13) | 1.1    |
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

from tests.benchmarks.plain_loop import batches_of
from trainsense import Workload
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial

STEPS, PROBE_EVERY, PAIRS = 300, 15, 9


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workload with the ratio that its trial may reach."""

    name: str
    workload: Workload
    target: float


def classification(model: Callable[[], nn.Module], shape: tuple[int, ...], batch: int) -> Workload:
    """Wrap a model of ten classes; its data is noise, since only time matters here."""

    def data() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(STEPS):
            yield torch.randn(batch, *shape), torch.randint(10, (batch,))

    def loss(net: nn.Module, pair: tuple[Tensor, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(net(pair[0]), pair[1])

    held_out = [(torch.randn(256, *shape), torch.randint(10, (256,)))]
    return Workload(model=model, data=data, loss=loss, eval_data=lambda: held_out, lr=1e-3)


def mlp() -> nn.Module:
    """Build the smallest network: one hidden layer of 64."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def cnn() -> nn.Module:
    """Build four convolutions with BatchNorm."""
    widths = ((1, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 2))
    stages = [
        nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        for inputs, outputs, stride in widths
    ]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class Transformer(nn.Module):
    """Two pre-norm layers over sixteen tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(8, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give the logits of ten classes."""
        logits: Tensor = self.head(self.layers(self.tokens(tokens)).mean(dim=1))
        return logits


CASES = (
    Case(name="MLP 64-64-10, batch 64", workload=classification(mlp, (64,), 64), target=1.5),
    Case(name="CNN 16-32-32-32 on 16x16, batch 64", workload=classification(cnn, (1, 16, 16), 64), target=1.1),
    Case(name="transformer 2x32, 16 tokens, batch 64", workload=classification(Transformer, (16, 8), 64), target=1.1),
)


def bare_loop(bench: Bench, trial: Trial, batches: list[tuple[Tensor, Tensor]]) -> None:
    """Train and record nothing."""
    workload = bench.workload
    torch.manual_seed(trial.seed)
    model = workload.model()
    optimizer = workload.optimizer(model, trial.lr)
    for batch in batches:
        optimizer.zero_grad()
        workload.loss(model, batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measured(case: Case, pairs: int) -> float:
    """Print a case's medians; return their ratio."""
    bench = prepare(case.workload, torch.device("cpu"), seed=0)
    trial = Trial(lr=1e-3, seed=0, steps=STEPS, probe_every=PROBE_EVERY)
    batches = batches_of(case.workload, 0, STEPS)
    run_trial(bench, trial)
    bare_loop(bench, trial, batches)
    bare: list[float] = []
    recorded: list[float] = []
    for _ in range(pairs):
        bare.append(cpu_seconds(lambda: bare_loop(bench, trial, batches)))
        recorded.append(cpu_seconds(lambda: run_trial(bench, trial)))
    ratio = median(recorded) / median(bare)
    spread = sorted(one / other for one, other in zip(recorded, bare, strict=True))
    step = 1000 / STEPS
    print(
        f"{case.name:40} {step * median(bare):6.2f} ms {step * median(recorded):6.2f} ms {ratio:6.3f}"
        f"  ({spread[0]:.2f} to {spread[-1]:.2f})  at most {case.target}",
        flush=True,
    )
    return ratio


def main() -> int:
    """Measure every case; return the exit code."""
    torch.set_num_threads(1)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    print(f"{'workload':40} {'bare':>9} {'trial':>9} {'ratio':>6}  (pairs)")
    return max([int(measured(case, pairs) > case.target) for case in CASES])


if __name__ == "__main__":
    sys.exit(main())
