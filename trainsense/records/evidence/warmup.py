"""Evidence of the warmup sweep (PROTOCOL 5)."""

from dataclasses import dataclass

from trainsense.records.run import Run


@dataclass(frozen=True, kw_only=True)
class WarmupAttempt:
    """One warmup length at one peak learning rate, all seeds.

    Attributes:
        lr: learning rate after the warmup.
        factor: that lr over the unstable lr.
        warmup_steps: length of the linear warmup.
        runs: one per seed, probed at every step.
        feasible: per run: finite, no event after the warmup, and still falling.
    """

    lr: float
    factor: float
    warmup_steps: int
    runs: tuple[Run, ...]
    feasible: tuple[bool, ...]

    @property
    def works(self) -> bool:
        """Whether it was feasible for every seed."""
        return bool(self.feasible) and all(self.feasible)


@dataclass(frozen=True, kw_only=True)
class WarmupSweep:
    """The shortest warmup that works.

    Attributes:
        unstable_lr: the lr that fails without warmup.
        attempts: in the order in which they were tried.
        lr: the highest lr that some allowed warmup makes trainable, None if none does.
        warmup_steps: the shortest length that works there, None if none does.
        longest_allowed: largest length that was allowed, in steps.
        limit: why that was the largest, as a sentence.
        share_of_run: `warmup_steps / max_train_steps`, None where that is unknown.
    """

    unstable_lr: float
    attempts: tuple[WarmupAttempt, ...]
    lr: float | None
    warmup_steps: int | None
    longest_allowed: int
    limit: str
    share_of_run: float | None
