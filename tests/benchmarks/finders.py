"""What other tools that look at a learning rate cost, beside trainsense: CPU time per step over that of the bare loop.

Run: python -m tests.benchmarks.finders [PAIRS]

One thread, 100 steps of AdamW on handwritten digits and on the text of Python's standard library; a range test is not stopped
early. Every tool takes the batches from memory, as the bare loop does; its setting up counts, and the bare loop's does. Beside the
ratio (median of interleaved pairs) stands the learning rate that the tool suggests when it may stop as it likes: trainsense's own
record of a trial suggests none, its lr* comes from trials at many, and is the one to compare with. Lightning is among the `dev`
extras. The others want packages that nothing else here needs, and none may replace torch: into an environment of its own that sees
this one's packages,

    python -m venv --without-pip .finders
    python -c "import site; print(site.getsitepackages()[0])" > .finders/lib/python3.11/site-packages/_here.pth
    pip --python .finders/bin/python install -c constraints.txt --no-deps torch-lr-finder fastai fastcore fastprogress \\
        fastdownload fasttransform plum-dispatch beartype cockpit-for-pytorch backpack-for-pytorch json-tricks seaborn \\
        einops unfoldNd
    pip --python .finders/bin/python install -c constraints.txt python-fasthtml 'setuptools<81'

and then this file is run by .finders/bin/python. A torchvision built for another torch must not be among them: Lightning
finds it and fails. What cannot be imported is a row that says so.

Measured 2026-11-21, torch 2.13, two cores shared by five (to be taken again on a quiet machine), 3 pairs; Lightning 2.6.6,
torch-lr-finder 0.2.2, fastai 2.8.12, Cockpit 1.0.2 with BackPACK, all of which installed as above. A hundred steps are few: the looks at
a trial's end weigh three times what they do in a sweep of 300 steps. BackPACK does not know the transformer's modules.

| workload               | tool                         | ratio (pairs)          | lr          |
| ---------------------- | ---------------------------- | ---------------------- | ----------- |
| MLP 64-64-10           | trainsense, a trial's record | 1.21 (1.17 to 1.23)    | -           |
| MLP 64-64-10           | trainsense, a sweep's trial  | 1.40 (1.26 to 1.46)    | 0.022 (lr*) |
| MLP 64-64-10           | Lightning `lr_find`          | 2.08 (2.06 to 2.54)    | 7.6e-05     |
| MLP 64-64-10           | torch-lr-finder              | 1.39 (1.34 to 1.41)    | 0.022       |
| MLP 64-64-10           | fastai `lr_find`             | 3.55 (3.29 to 4.51)    | 0.0014      |
| MLP 64-64-10           | Cockpit, economy             | 27.14 (24.43 to 34.64) | none        |
| CNN 16-32-32-32 on 8x8 | trainsense, a trial's record | 0.96 (0.93 to 1.15)    | -           |
| CNN 16-32-32-32 on 8x8 | trainsense, a sweep's trial  | 1.18 (1.14 to 1.21)    | 0.01 (lr*)  |
| CNN 16-32-32-32 on 8x8 | Lightning `lr_find`          | 1.25 (1.21 to 1.33)    | 6.3e-05     |
| CNN 16-32-32-32 on 8x8 | torch-lr-finder              | 1.07 (0.95 to 1.14)    | 0.038       |
| CNN 16-32-32-32 on 8x8 | fastai `lr_find`             | 1.22 (1.15 to 1.33)    | 0.0012      |
| CNN 16-32-32-32 on 8x8 | Cockpit, economy             | 13.72 (12.63 to 15.34) | none        |
| transformer 2x64       | trainsense, a trial's record | 0.96 (0.92 to 1.04)    | -           |
| transformer 2x64       | trainsense, a sweep's trial  | 1.09 (1.09 to 1.18)    | 0.01 (lr*)  |
| transformer 2x64       | Lightning `lr_find`          | 1.06 (0.97 to 1.07)    | 0.00033     |
| transformer 2x64       | torch-lr-finder              | 1.06 (1.00 to 1.16)    | 0.004       |
"""

import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from statistics import median

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from tests.benchmarks.networks import LanguageModel, cnn, library_text, mlp, passages
from trainsense import Workload, api
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench, prepare
from trainsense.runners.sequential import run_trial

STEPS, PAIRS, LR = 100, 5, 1e-3
LOWEST, HIGHEST = 1e-7, 10.0
"""Ends of the range tests: what fastai and torch-lr-finder take by default."""
Pair = tuple[Tensor, Tensor]


class Loader:
    """Batches in memory, as a loader that is no list: to Lightning a list is several loaders."""

    device = None

    def __init__(self, batches: list[Pair]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Pair]:
        """Give each batch."""
        return iter(self._batches)

    def __len__(self) -> int:
        """Return their number."""
        return len(self._batches)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A model with its batches and its criterion."""

    name: str
    model: Callable[[], nn.Module]
    batches: list[Pair]
    criterion: Callable[[Tensor, Tensor], Tensor]

    @property
    def workload(self) -> Workload:
        """Return it as trainsense takes it."""
        return Workload(
            model=self.model,
            data=lambda: self.batches,
            loss=lambda net, pair: self.criterion(net(pair[0]), pair[1]),
            lr=LR,
        )


def digits(shape: tuple[int, ...]) -> list[Pair]:
    """Return batches of 64 handwritten digits."""
    found = load_digits()
    rows = (torch.tensor(found.data, dtype=torch.float32) - 4.9) / 6.0  # mean and spread of its pixels
    labels = torch.tensor(found.target)
    chosen = [torch.randint(len(labels), (64,)) for _ in range(STEPS)]
    return [(rows[one].reshape(-1, *shape), labels[one]) for one in chosen]


def text() -> list[Pair]:
    """Return batches of passages, and of the character after each of theirs."""
    return [(one[:, :-1], one[:, 1:]) for one in (passages(library_text()) for _ in range(STEPS))]


class Characters(nn.CrossEntropyLoss):
    """Cross-entropy of every character of a batch."""

    def forward(self, logits: Tensor, following: Tensor) -> Tensor:
        """Return the mean."""
        return super().forward(logits.flatten(0, 1), following.flatten())


def tasks() -> list[Task]:
    """Return what is trained."""
    torch.manual_seed(0)
    entropy = nn.CrossEntropyLoss()
    return [
        Task(name="MLP 64-64-10", model=mlp, batches=digits((64,)), criterion=entropy),
        Task(name="CNN 16-32-32-32 on 8x8", model=cnn, batches=digits((1, 8, 8)), criterion=entropy),
        Task(name="transformer 2x64, 32 characters", model=LanguageModel, batches=text(), criterion=Characters()),
    ]


def adamw(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return the optimizer of every tool."""
    return torch.optim.AdamW(model.parameters(), lr=lr)


def bare(task: Task) -> None:
    """Train and record nothing."""
    model = task.model()
    optimizer = adamw(model, LR)
    for inputs, targets in task.batches:
        optimizer.zero_grad()
        task.criterion(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def recorded(bench: Bench) -> None:
    """Train and record every step, as trainsense does."""
    run_trial(bench, Trial(lr=LR, seed=0, steps=STEPS, evaluate=False))


def swept(bench: Bench) -> None:
    """Train as a trial of a sweep: with the probe every 5 %."""
    run_trial(bench, Trial(lr=LR, seed=0, steps=STEPS, probe_every=STEPS // 20))


def lightning(task: Task, *, stops: bool) -> float | None:
    """Lightning's `Tuner.lr_find`."""
    pl = import_module("lightning.pytorch")
    tuner = import_module("lightning.pytorch.tuner")

    class Module(pl.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net, self.lr = task.model(), LR

        def training_step(self, pair: Pair) -> Tensor:
            return task.criterion(self.net(pair[0]), pair[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return adamw(self.net, self.lr)

    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        found = tuner.Tuner(trainer).lr_find(
            Module(),
            train_dataloaders=Loader(task.batches),
            min_lr=LOWEST,
            max_lr=HIGHEST,
            num_training=STEPS,
            early_stop_threshold=4.0 if stops else None,
            update_attr=False,
        )
    suggested = found.suggestion()
    return None if suggested is None else float(suggested)


def torch_lr_finder(task: Task, *, stops: bool) -> float | None:
    """The package of that name: `LRFinder.range_test`, its suggestion the steepest slope."""
    package = import_module("torch_lr_finder")
    model = task.model()
    finder = package.LRFinder(model, adamw(model, LOWEST), task.criterion, device="cpu")

    class Batches(package.TrainDataLoaderIter):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.pairs = iter(task.batches)

        def __next__(self) -> Pair:
            return next(self.pairs)

    finder.range_test(Batches(), end_lr=HIGHEST, num_iter=STEPS, diverge_th=5 if stops else math.inf)
    lrs, losses = finder.history["lr"], torch.tensor(finder.history["loss"])
    if len(losses) < 17:
        return None
    return float(lrs[10:-5][int(torch.gradient(losses[10:-5])[0].argmin())])


def fastai(task: Task, *, stops: bool) -> float | None:
    """fastai's `Learner.lr_find`, its suggestion the valley."""
    learner, loaders, schedule, optimizer, progress = (
        import_module(f"fastai.{name}")
        for name in ("learner", "data.core", "callback.schedule", "optimizer", "callback.progress")
    )
    with tempfile.TemporaryDirectory() as folder:
        data = loaders.DataLoaders(Loader(task.batches), Loader([]))
        found = learner.Learner(
            data,
            task.model(),
            loss_func=task.criterion,
            opt_func=lambda groups, lr: optimizer.OptimWrapper(groups, torch.optim.AdamW, lr=lr),
            path=folder,
        )
        found.remove_cbs([progress.ProgressCallback])
        suggested = found.lr_find(
            start_lr=LOWEST,
            end_lr=HIGHEST,
            num_it=STEPS,
            stop_div=stops,
            show_plot=False,
            suggest_funcs=schedule.valley,
        )
    return float(suggested.valley)


def cockpit(task: Task, *, stops: bool) -> float | None:
    """Cockpit's quantities of the configuration `economy`, at every step; it suggests no learning rate."""
    package, backpack = import_module("cockpit"), import_module("backpack")
    quantities = import_module("cockpit.utils.configuration").configuration("economy")
    if not isinstance(task.criterion, nn.CrossEntropyLoss) or isinstance(task.criterion, Characters):
        msg = "BackPACK does not know its modules"
        raise NotImplementedError(msg)
    model, criterion = backpack.extend(task.model()), backpack.extend(nn.CrossEntropyLoss())
    one_by_one = nn.CrossEntropyLoss(reduction="none")
    optimizer = adamw(model, LR)
    watching = package.Cockpit(list(model.parameters()), quantities=quantities)
    for step, (inputs, targets) in enumerate(task.batches):
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        info = {
            "batch_size": len(targets),
            "individual_losses": one_by_one(outputs, targets).detach(),
            "loss": loss,
            "optimizer": optimizer,
        }
        with watching(step, info=info):
            loss.backward(create_graph=watching.create_graph(step))
        optimizer.step()
    return None


FINDERS = {
    "Lightning `lr_find`": lightning,
    "torch-lr-finder": torch_lr_finder,
    "fastai `lr_find`": fastai,
    "Cockpit, economy": cockpit,
}


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes; what it says is thrown away."""
    started = time.process_time()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        work()
    return time.process_time() - started


def ratio(task: Task, work: Callable[[], object], pairs: int) -> str:
    """Return the median of the pairs' ratios, and their range."""
    cpu_seconds(work)
    found = []
    for _ in range(pairs):
        alone = cpu_seconds(lambda: bare(task))
        found.append(cpu_seconds(work) / alone)
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def suggested(finder: Callable[..., float | None], task: Task) -> str:
    """Return the learning rate that a finder suggests when it may stop."""
    found: list[float | None] = []
    cpu_seconds(lambda: found.append(finder(task, stops=True)))
    return "none" if found[0] is None else f"{found[0]:.2g}"


def best_lr(task: Task) -> str:
    """Return lr* of a sweep over trials of as many steps."""
    stage = api.sweep_lr(task.workload, steps=STEPS).report.stages["sweep_lr"]
    return f"{stage['best_lr']:.2g} (lr*)"


def rows(task: Task, pairs: int) -> Iterator[tuple[str, str, str]]:
    """Yield who was measured, its ratio and its learning rate."""
    bench = prepare(task.workload, torch.device("cpu"), seed=0)
    yield "trainsense, a trial's record", ratio(task, lambda: recorded(bench), pairs), "-"
    yield "trainsense, a sweep's trial", ratio(task, lambda: swept(bench), pairs), best_lr(task)
    for name, finder in FINDERS.items():
        try:
            yield name, ratio(task, lambda finder=finder: finder(task, stops=False), pairs), suggested(finder, task)  # type: ignore[misc]
        except ImportError as error:
            yield name, f"not installed ({error})", "-"
        except Exception as error:  # noqa: BLE001 - what a tool cannot do is a row of the table
            yield name, f"fails: {str(error).splitlines()[0][:80]}", "-"


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    print("| workload | tool | CPU time over the bare loop (pairs) | lr |\n| --- | --- | --- | --- |")
    for task in tasks():
        for row in rows(task, pairs):
            print(f"| {task.name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
