"""`Trial`: how to train once. Frozen data, from which the store makes its key."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

WORKLOAD_SCHEDULE = "workload"
"""The name under which a trial uses the workload's own schedule."""

WITHOUT_OWN_WARMUP = "workload-without-warmup"
"""The name under which a trial uses the workload's own schedule from the end of its warmup on."""

RANGE_TEST = "range-test"
"""The name under which a trial ramps its learning rate exponentially (PROTOCOL 2.1)."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One short training, as planned.

    Args:
        lr: learning rate handed to the optimizer factory, above 0.
        seed: seed of weights, data order and per-step randomness, 0 or more.
        steps: optimizer updates, warmup included, at least 1.
        schedule: `"workload"` (the user's own), `"workload-without-warmup"`, `"range-test"`, or a name from `SCHEDULES`.
        warmup_steps: linear warmup prepended to the schedule; the schedule runs over the remaining steps.
        clip_norm: global L2 threshold, or None for no clipping.
        probe_every: evaluate the probe loss before every so many updates; 0 for never.
        evaluate: whether the trial is scored on eval data where there is any (short trials need no score).
        stop_loss: a training or probe loss above this ends the trial as diverged, or None.
        optimizer: another optimizer by name (`records.settings.OPTIMIZERS`), or None for the workload's own.
        edits: model edits by name (`records.settings.MODEL_EDITS`), made on the fresh model in this order.
        eval_every: evaluate the eval data before every so many updates, for a comparison by best checkpoint; 0 for
            only where the score needs it.
        must_reach: racing (PROTOCOL 6.5): the trial is dropped once its probe loss, however steeply it fell lately, can no
            longer get down to this; None for no racing.
        raced_from: the first step at which it may be dropped.
    """

    lr: float
    seed: int
    steps: int
    schedule: str = WORKLOAD_SCHEDULE
    warmup_steps: int = 0
    clip_norm: float | None = None
    probe_every: int = 0
    evaluate: bool = True
    stop_loss: float | None = None
    optimizer: str | None = None
    edits: tuple[str, ...] = ()
    eval_every: int = 0
    must_reach: float | None = None
    raced_from: int = 0

    def unraced(self) -> "Trial":
        """Return the same training with no racing: what a raced trial is unless it is dropped."""
        return replace(self, must_reach=None, raced_from=0)

    def content(self) -> str:
        """Return the canonical JSON text of all settings, equal for equal trials.

        >>> Trial(lr=0.1, seed=0, steps=10).content() == Trial(steps=10, seed=0, lr=0.1).content()
        True
        """
        settings = asdict(self)
        for name in ("lr", "clip_norm", "stop_loss", "must_reach"):
            settings[name] = None if settings[name] is None else float(settings[name])  # 1 and 1.0 are one setting
        return json.dumps(settings, sort_keys=True, allow_nan=False)

    def key(self, context: str) -> str:
        """Return the content key (64 hex digits) of this trial in `context` (workload, torch version, device type)."""
        return hashlib.sha256(f"{context}\n{self.content()}".encode()).hexdigest()
