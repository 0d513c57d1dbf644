"""`Bench`: a workload set up on a device, with the batches that every trial shares."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainsense.batches import cloned, example_count, kept_on_host, to_device
from trainsense.errors import WorkloadError
from trainsense.probes.attention import largest_attention_logit
from trainsense.probes.inputs import constant_gaps, output_spread, shuffle_gap
from trainsense.probes.loss import mean_loss
from trainsense.probes.modes import evaluation_mode, probe_mode
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.records.model_edit import EditSurvey
from trainsense.records.settings import MODEL_EDITS
from trainsense.workload.contract import Workload
from trainsense.workload.dry_run import DryRun, autocast, dry_run, fresh_model
from trainsense.workload.edits import Change, Example, plan_edit
from trainsense.workload.replay import Replay, ReplayShelf
from trainsense.workload.seeding import derived_seed, random_state_kept, seed_all
from trainsense.workload.user_traceback import user_code

PROBE_EXAMPLES: Final = 64
"""Fewest examples in the probe set, as far as `MOST_PROBE_BATCHES` allow (PROTOCOL 0: 64 to 256)."""
MOST_PROBE_BATCHES: Final = 4
"""A probe should not cost much more than a training step's forward pass."""
MOST_EVAL_BATCHES: Final = 12
"""Evaluations of this many training-size batches cost a trial of 300 steps about 5 % more."""
SURVEY_BATCHES: Final = 8
"""Training batches that model edits are worked out from: one shows the structure, a few hundred examples a mean."""
SHARED_MODEL: Final = (
    "The model is wrapped for several ranks before trainsense gets it, and what is wrapped is not changed any more: run "
    "trainsense without torchrun to have changes of the model tried."
)
FEWEST_EVAL_EXAMPLES: Final = 256
"""But eval data is read at least up to here: fewer examples make a noisy score."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every trial of a diagnosis shares.

    Attributes:
        workload: the user's workload.
        device: where it trains.
        replays: training batches by seed.
        probe_batches: the fixed probe set, on the device.
        eval_batches: the eval batches that are used, in host memory; empty without eval data.
        seen: what the dry run saw.
        survey_batches: some training batches, on the device: what model edits are worked out from.
        initial_losses: L0 by seed and model edits, filled as trials run.
        changes: model edits worked out so far, by the edits before them and their name.
        ranks: the processes that train together, each with its own share of the data.
    """

    workload: Workload
    device: torch.device
    replays: ReplayShelf
    probe_batches: tuple[Any, ...]
    eval_batches: tuple[Any, ...]
    seen: DryRun
    survey_batches: tuple[Any, ...] = ()
    initial_losses: dict[tuple[int, tuple[str, ...]], float] = field(default_factory=dict)
    changes: dict[tuple[str, ...], Change | EditSurvey] = field(default_factory=dict)
    ranks: Ranks = ALONE

    def fresh_model(self, seed: int, edits: tuple[str, ...] = ()) -> nn.Module:
        """Build the model of `seed` on the device, in training mode, with the model edits made in order.

        Raises:
            WorkloadError: an edit cannot be applied to this model.
        """
        model = fresh_model(self.workload, self.device, seed)
        for count, name in enumerate(edits, 1):
            change = self.change(edits[:count], model)
            if isinstance(change, EditSurvey):
                msg = f"The model edit {name} cannot be applied: {change.reason}"
                raise WorkloadError(msg)
            seed_all(derived_seed(seed, f"edit {name}"))
            change.make(model)
        return model

    def change(self, edits: tuple[str, ...], model: nn.Module) -> Change | EditSurvey:
        """Return the last of `edits`, worked out on `model`, to which those before have been made; once for all seeds."""
        if edits not in self.changes:
            example = Example(loss=self.loss, batches=self.survey_batches)
            self.changes[edits] = plan_edit(edits[-1], model, example)
        return self.changes[edits]

    def surveys(self, seed: int) -> tuple[EditSurvey, ...]:
        """Return what each model edit would change in the workload's own model."""
        if self.ranks.count > 1:
            return tuple(
                EditSurvey(edit=name, changes=(), reason=SHARED_MODEL, code="", advice="") for name in MODEL_EDITS
            )
        with random_state_kept():
            model = fresh_model(self.workload, self.device, seed)
            changes = [self.change((name,), model) for name in MODEL_EDITS]
        return tuple(change if isinstance(change, EditSurvey) else change.survey for change in changes)

    def training_batches(self, seed: int, *, anew: bool = False) -> Iterator[Any]:
        """Yield the training batches of `seed` on the device, without end; `anew` reads the source again."""
        replay = self.replays.fresh(seed) if anew else self.replays[seed]
        for batch in replay.batches():
            yield to_device(cloned(batch) if self.seen.mutates_batches else batch, self.device)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the user's loss under their autocast; the mean over the ranks, whose gradient is that of this one's."""
        if self.ranks.count > 1:
            return self.ranks.loss(lambda: self._own_loss(model, batch))
        with autocast(self.workload, self.device):
            return self.workload.loss(model, batch)

    def _own_loss(self, model: nn.Module, batch: Any) -> Tensor:
        with user_code("Workload.loss"), autocast(self.workload, self.device):
            return self.workload.loss(model, batch)

    def probe_loss(self, model: nn.Module) -> float:
        """Return the loss on the probe set (PROTOCOL 0)."""
        with self.probing(model):
            return self.ranks.mean(mean_loss(lambda batch: self.evaluated(model, batch), self.probe_batches))

    def eval_loss(self, model: nn.Module) -> float:
        """Return the mean loss on the eval batches in evaluation mode."""
        with evaluation_mode(model, gradient=self.seen.needs_gradient):
            moved = (to_device(batch, self.device) for batch in self.eval_batches)
            return self.ranks.mean(mean_loss(lambda batch: self.evaluated(model, batch), moved))

    def initial_loss(self, seed: int, model: nn.Module, edits: tuple[str, ...] = ()) -> float:
        """Return L0 of `seed`: the fresh `model`'s eval loss, or its probe loss without eval data; measured once."""
        key = (seed, edits)
        if key not in self.initial_losses:
            self.initial_losses[key] = self.eval_loss(model) if self.eval_batches else self.probe_loss(model)
        return self.initial_losses[key]

    def metrics(self, model: nn.Module) -> Mapping[str, float]:
        """Return the user's extra figures, averaged over the eval batches by examples."""
        if self.workload.metrics is None:
            return {}
        totals: dict[str, float] = {}
        weight = 0
        with evaluation_mode(model, gradient=self.seen.needs_gradient):
            for batch in self.eval_batches:
                moved = to_device(batch, self.device)
                with user_code("Workload.metrics"), autocast(self.workload, self.device):
                    figures = self.workload.metrics(model, moved)
                examples = example_count(batch)
                weight += examples
                for name, value in figures.items():
                    totals[name] = totals.get(name, 0.0) + float(value) * examples
        return self.ranks.means({name: total / weight for name, total in totals.items()})

    def input_dependence(self, model: nn.Module) -> dict[str, float | None]:
        """Return `shuffle_gap`, `constant_gap`, `mean_output_gap` and `output_spread` on the probe set."""

        def loss(batch: Any) -> Tensor:
            return self.evaluated(model, batch)

        with self.probing(model):
            constant, mean = constant_gaps(model, loss, self.probe_batches)
            return {
                "shuffle_gap": shuffle_gap(model, loss, self.probe_batches),
                "constant_gap": constant,
                "mean_output_gap": mean,
                "output_spread": output_spread(model, loss, self.probe_batches[:1]),
            }

    def constant_gap(self, model: nn.Module) -> float | None:
        """Return by how much the best constant prediction's loss on the probe set lies above the model's (PROTOCOL 0)."""
        with self.probing(model):
            return constant_gaps(model, lambda batch: self.evaluated(model, batch), self.probe_batches)[0]

    def attention_logit(self, model: nn.Module) -> float | None:
        """Return the largest attention logit on the first probe batch, None without attention."""
        with self.probing(model):
            return largest_attention_logit(model, lambda: self.evaluated(model, self.probe_batches[0]))

    def probing(self, model: nn.Module) -> AbstractContextManager[None]:
        """Return the mode in which the probe set is evaluated (PROTOCOL 0)."""
        return probe_mode(model, example_count(self.probe_batches[0]), gradient=self.seen.needs_gradient)

    def evaluated(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the user's loss on a batch that is used again.

        Raises:
            UserCodeError: the user's code raised.
        """
        usable = cloned(batch) if self.seen.mutates_batches else batch
        with user_code("Workload.loss"):
            return self.loss(model, usable)


def prepare(workload: Workload, device: torch.device, seed: int, ranks: Ranks = ALONE) -> Bench:
    """Dry-run the workload on `device` and read the batches that all trials share.

    Args:
        workload: the user's.
        device: where it trains.
        seed: of the dry run.
        ranks: the processes that train together.

    Raises:
        WorkloadError: the dry run found a field that does not do what the contract says.
        UserCodeError: the user's code raised.
    """
    with random_state_kept():
        seen = dry_run(workload, device, seed, ranks)
        seen = ranks.from_first(replace(seen, first_loss=ranks.mean(seen.first_loss)))
        replays = ReplayShelf(workload.data, device=device)
        probe = _enough(replays[seed], PROBE_EXAMPLES / ranks.count, MOST_PROBE_BATCHES)
        held_out = _eval_batches(workload, device, example_count(probe[0]), FEWEST_EVAL_EXAMPLES / ranks.count)
        probes, held_outs = (min(counts) for counts in zip(*ranks.gathered((len(probe), len(held_out))), strict=True))
        return Bench(
            workload=workload,
            device=device,
            replays=replays,
            probe_batches=tuple(to_device(cloned(batch), device) for batch in probe[:probes]),
            eval_batches=held_out[:held_outs],
            seen=seen,
            survey_batches=tuple(to_device(cloned(batch), device) for batch in replays[seed].first(SURVEY_BATCHES)),
            ranks=ranks,
        )


def _enough(replay: Replay, examples: float, most: int) -> list[Any]:
    batches: list[Any] = []
    for batch in replay.batches():
        batches.append(batch)
        if len(batches) == most or sum(example_count(one) for one in batches) >= examples:
            break
    return batches


def _eval_batches(workload: Workload, device: torch.device, batch_examples: int, fewest: float) -> tuple[Any, ...]:
    if workload.eval_data is None:
        return ()
    enough = max(fewest, MOST_EVAL_BATCHES * batch_examples)
    with user_code("Workload.eval_data"):
        source = iter(workload.eval_data())
    batches: list[Any] = []
    examples = 0
    while examples < enough:
        with user_code(f"Workload.eval_data, batch {len(batches)},"):
            batch = next(source, None)
        if batch is None:
            break
        batches.append(kept_on_host(batch, device))
        examples += example_count(batch)
    if not batches:
        msg = "Workload.eval_data gave no batch: it must return an iterable with at least one, or be None."
        raise WorkloadError(msg)
    return tuple(batches)
