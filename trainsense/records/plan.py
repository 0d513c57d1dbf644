"""`Plan`: what the stages are to do, decided before they start."""

from dataclasses import dataclass, replace
from typing import Final

from trainsense.records.model_edit import EditSurvey
from trainsense.records.trial import Trial

PROBES_PER_RUN: Final = 20
"""Away from instability runs the probe loss is evaluated every 5 % of the run (PROTOCOL 0)."""
FRESH_SEED_OFFSET: Final = 100
"""Adoption uses `seed + 100`, …: the screening seeds chose the candidate and are biased for it (PROTOCOL 0 and 6.3)."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the stages need to know of the workload.

    Args:
        lr: the user's learning rate, None if not given.
        clip_norm: the user's clipping threshold, None without clipping.
        max_train_steps: planned length, None if unknown.
        constant_schedule: whether the user's learning rate is constant.
        own_warmup_steps: warmup in the user's own schedule, 0 without.
        adaptive: whether the optimizer is of the Adam family or otherwise nearly invariant to a gradient's scale.
        optimizer: name of the optimizer's class, as in `torch.optim`; empty if unknown.
        optimizer_code: the call that builds it, with `lr` for the learning rate and `{parameters}` for the parameters,
            such as `torch.optim.SGD({parameters}, lr=lr, momentum=0.9)`; empty where it cannot be written down (a class
            of the user's own, parameter groups with settings of their own).
        schedule: name of today's schedule (`constant`, `cosine`, …), or `own` for a function of the user's.
        edits: what each model edit would change in this model.
    """

    lr: float | None = None
    clip_norm: float | None = None
    max_train_steps: int | None = None
    constant_schedule: bool = True
    own_warmup_steps: int = 0
    adaptive: bool = False
    optimizer: str = ""
    optimizer_code: str = ""
    schedule: str = "constant"
    edits: tuple[EditSurvey, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much of the protocol to run: the essentials first, the refinements after.

    Args:
        seeds: screening seeds at the points that matter.
        edge: whether the edge of the learning rates that train is found to a grid point; else to two.
        factors: multiples of lr* of the instability runs.
        null_seeds: null runs that calibrate the event threshold.
        adoption_pairs: fresh pairs for a fix that looks promising.
        other_fixes: whether optimizers and model edits are tried as well.
    """

    seeds: int
    edge: bool
    factors: tuple[float, ...]
    null_seeds: int
    adoption_pairs: int
    other_fixes: bool


ESSENTIALS: Final = Effort(seeds=1, edge=False, factors=(2.0,), null_seeds=0, adoption_pairs=0, other_fixes=False)
REFINEMENTS: Final = Effort(
    seeds=3, edge=True, factors=(2.0, 5.0, 10.0), null_seeds=3, adoption_pairs=5, other_fixes=False
)
COMPLETION: Final = replace(REFINEMENTS, other_fixes=True)
"""What a budget is spent on, in this order; what one effort has run costs the next nothing."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The frame of a diagnosis.

    Args:
        subject: the workload.
        seed: first screening seed.
        horizon: N, steps of a sweep trial.
        instability_steps: steps of an instability run.
        bracket_steps: steps of the exponential range test.
        effort: how much of the protocol to run.
        warmup_factor: multiple of the unstable lr at which warmups are tried first.
        closely: whether the user's own setting is evaluated at every step, and on every seed; else it is looked at as any other
            trial of the sweep, and on a single seed where that says how it stands.
        any_fix: whether optimizers and model edits may be tried; else only what the command is about: warmup and clipping.
    """

    subject: Subject
    seed: int
    horizon: int
    instability_steps: int
    bracket_steps: int
    effort: Effort
    warmup_factor: float = 10.0
    any_fix: bool = True
    closely: bool = True

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the screening seeds of this effort."""
        return tuple(range(self.seed, self.seed + self.effort.seeds))

    def fresh_seeds(self, count: int) -> tuple[int, ...]:
        """Return `count` adoption seeds."""
        first = self.seed + FRESH_SEED_OFFSET
        return tuple(range(first, first + count))

    def trial(self, lr: float, seed: int, stop_loss: float | None) -> Trial:
        """Return a sweep trial: N steps under the user's own schedule and clipping, at their lr looked at more closely."""
        return Trial(
            lr=lr,
            seed=seed,
            steps=self.horizon,
            clip_norm=self.subject.clip_norm,
            probe_every=1 if self.closely and lr == self.subject.lr else max(1, self.horizon // PROBES_PER_RUN),
            stop_loss=stop_loss,
        )

    def own(self, lr: float, seed: int, stop_loss: float | None) -> Trial:
        """Return a trial of the user's own setting at `lr`, theirs: a sweep trial, looked at as closely as the plan says."""
        return self.probed(lr, seed, stop_loss) if self.closely else self.trial(lr, seed, stop_loss)

    def probed(self, lr: float, seed: int, stop_loss: float | None, *, steps: int | None = None) -> Trial:
        """Return a trial that is evaluated at every step; a sweep trial's length unless told otherwise."""
        trial = self.trial(lr, seed, stop_loss)
        return replace(trial, probe_every=1, steps=steps or trial.steps)
