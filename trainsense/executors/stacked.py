"""Runs trials as stacks: many at once in this process, as one model with many sets of parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from trainsense.executors.interface import Executor
from trainsense.records.run import Run
from trainsense.records.trial import Trial
from trainsense.runners.bench import Bench
from trainsense.runners.stacked.first_pass import FirstPass, first_pass
from trainsense.runners.stacked.memory import is_out_of_memory, most_trials
from trainsense.runners.stacked.refusal import UnstackableError, reason_of
from trainsense.runners.stacked.rehearsal import Rehearsal, rehearsed
from trainsense.runners.stacked.together import train_together
from trainsense.workload.seeding import random_state_kept

WHOLE_BATCHES: Final = 1 << 16
"""More trials than anyone plans at once."""

MANY_MORE: Final = 2
"""Where some trials are too slow at once, only more than so many times as many are tried again …"""
HOPELESS: Final = 0.4
"""… unless they were less than this share as fast as they have to be (measured on a small MLP, whose stacks gain most with their size:
3 trials at once 1.0 times as fast, 32 trials 2.4 times; a CNN of 1M parameters: 2 to 8 trials 0.6 times)."""

Kind = tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether trials of one kind are stacked.

    Attributes:
        stacked: whether they are.
        most: how many at once.
        rehearsal: what was measured, None where they cannot be.
        refusal: why they cannot be, else empty.
        compiled: whether torch compiles the stack.
    """

    stacked: bool
    most: int = 1
    rehearsal: Rehearsal | None = None
    refusal: str = ""
    compiled: bool = False


class Stacked:
    """The engine `stacked`: trains alike trials together where that agrees with the loop and is faster; loses none.

    Args:
        bench: the workload on its device.
        otherwise: runs what is not stacked.
        least_speedup: stacks are used where they are so many times as fast as the loop; 0 for wherever they can be.
        step_seconds: time of a step of the loop.
        least_seconds: trials that would take the loop less than this together are not stacked.
        memory: bytes that a stack may take, None for what suits the device.
        compiles: whether to let torch compile stacks where that agrees with the loop and is faster still.
    """

    width = WHOLE_BATCHES

    def __init__(
        self,
        bench: Bench,
        otherwise: Executor,
        *,
        least_speedup: float = 0.0,
        step_seconds: float = 0.0,
        least_seconds: float = 0.0,
        memory: int | None = None,
        compiles: bool = False,
    ) -> None:
        self._bench, self._otherwise, self._memory = bench, otherwise, memory
        self._least_speedup, self._step_seconds, self._least_seconds = least_speedup, step_seconds, least_seconds
        self._verdicts: dict[Kind, Verdict] = {}
        self._compiles = compiles
        self._broken: list[str] = []
        self._uncompiled: list[str] = []

    @property
    def pace(self) -> float:
        """Return that of the other engine: how much faster stacks are is known too late to be planned with."""
        return self._otherwise.pace

    @property
    def used(self) -> bool:
        """Whether any trials were found worth stacking."""
        return any(one.stacked for one in self._verdicts.values())

    @property
    def findings(self) -> str:
        """Return in words what was stacked, and why the rest was not; empty before anything could be."""
        verdicts = list(self._verdicts.values())
        parts = []
        used = [one.rehearsal for one in verdicts if one.stacked and one.rehearsal is not None]
        slow = [one.rehearsal for one in verdicts if not one.stacked and one.rehearsal is not None]
        if used:
            compiled = ", compiled" if any(one.compiled for one in verdicts) else ""
            parts.append(
                f"{_counts(used)} trained at once{compiled}, {_speedups(used)} as fast as one after another (measured)"
            )
        if slow:
            parts.append(f"{_counts(slow)} at once would be {_speedups(slow)} as fast as one after another (measured)")
        refusals = dict.fromkeys([one.refusal for one in verdicts if one.refusal] + self._broken)
        parts += [f"trials cannot be stacked: {reason}" for reason in refusals]
        parts += [f"not compiled: {reason}" for reason in dict.fromkeys(self._uncompiled)]
        return "; ".join(parts)

    def run(self, trials: Sequence[Trial]) -> Iterator[Run]:
        """Yield one run per trial: those of a stack as they end, then the others."""
        rest: list[Trial] = []
        groups: dict[Kind, list[Trial]] = {}
        for trial in trials:
            groups.setdefault(_kind(trial), []).append(trial)
        for group in groups.values():
            for stack, compiled in self._stacks(group, rest):
                yield from self._train(stack, rest, compiled=compiled)
        if rest:
            yield from self._otherwise.run(rest)

    def close(self) -> None:
        """Close the other engine."""
        self._otherwise.close()

    def _stacks(self, group: list[Trial], rest: list[Trial]) -> list[tuple[list[Trial], bool]]:
        """Return the stacks in which a group is trained, and whether compiled; those of it that are not go to the rest."""
        seconds = self._step_seconds * sum(trial.steps for trial in group)
        if len(group) < 2 or seconds < self._least_seconds:
            rest += group
            return []
        verdict = self._verdict(group)
        if verdict.stacked:
            count = -(-len(group) // verdict.most)
            parts = [group[index::count] for index in range(count)]
            rest += [part[0] for part in parts if len(part) == 1]
            return [(part, verdict.compiled) for part in parts if len(part) > 1]
        seeds = dict.fromkeys(trial.seed for trial in group)
        if len(seeds) == 1 or verdict.rehearsal is not None:
            rest += group
            return []
        return [stack for seed in seeds for stack in self._stacks([one for one in group if one.seed == seed], rest)]

    def _verdict(self, group: Sequence[Trial]) -> Verdict:
        """Return what was found of this kind and size, or find it now."""
        seeds = len({trial.seed for trial in group})
        clipped = len({trial.clip_norm is None for trial in group})
        kind = (*_kind(group[0]), seeds > 1, clipped, len(group).bit_length())
        if kind not in self._verdicts:
            slow = [one for one in self._verdicts.values() if one.rehearsal is not None and not one.stacked]
            enough = [one for one in slow if one.rehearsal and self._settles(one.rehearsal, len(group))]
            self._verdicts[kind] = enough[0] if enough else self._found(group, several=seeds > 1)
        return self._verdicts[kind]

    def _settles(self, slow: Rehearsal, trials: int) -> bool:
        """Whether stacks that were too slow say that so many trials would be, too."""
        return slow.trials * MANY_MORE >= trials or slow.speedup < HOPELESS * self._least_speedup

    def _found(self, group: Sequence[Trial], *, several: bool) -> Verdict:
        try:
            with random_state_kept():
                seen: FirstPass = first_pass(self._bench, group[0])
            most = most_trials(seen, self._bench.device, self._memory)
            if most < 2:
                return Verdict(stacked=False, refusal="two of them do not fit the memory that a stack may take")
            rehearsal = rehearsed(self._bench, group[:most], self._least_speedup)
        except UnstackableError as error:
            return Verdict(stacked=False, refusal="" if several else str(error))  # each seed is tried by itself
        except Exception as error:  # noqa: BLE001 - torch tells what it cannot map by various errors; the user's own come again
            return Verdict(stacked=False, refusal=reason_of(error))
        faster = self._compiled(group[:most], rehearsal)
        best = faster or rehearsal
        return Verdict(
            stacked=best.speedup >= self._least_speedup, most=most, rehearsal=best, compiled=faster is not None
        )

    def _compiled(self, trials: Sequence[Trial], uncompiled: Rehearsal) -> Rehearsal | None:
        """Rehearse trials compiled, where that was asked for; return how it went if it is to be preferred."""
        if not self._compiles:
            return None
        try:
            compiled = rehearsed(self._bench, trials, self._least_speedup, compiled=True)
        except Exception as error:  # noqa: BLE001 - no compiler, or whatever torch makes of what it cannot compile
            self._uncompiled.append(reason_of(error))
            return None
        if compiled.speedup > uncompiled.speedup:
            return compiled
        self._uncompiled.append(f"no faster ({compiled.speedup:.1f} against {uncompiled.speedup:.1f} times, measured)")
        return None

    def _train(self, stack: list[Trial], rest: list[Trial], *, compiled: bool) -> Iterator[Run]:
        """Train a stack; if memory runs out, its halves; if it cannot be compiled, as it is."""
        waiting = {trial.content(): trial for trial in stack}
        short = False
        try:
            for run in train_together(self._bench, stack, rest, compiled=compiled):
                del waiting[run.trial.content()]
                yield run
        except Exception as error:  # noqa: BLE001 - whatever it is, the other engine tells it if it comes again
            short = is_out_of_memory(error)
            if not short:
                (self._uncompiled if compiled else self._broken).append(reason_of(error))
        left = [trial for trial in waiting.values() if trial not in rest]
        if left and compiled and not short:
            yield from self._train(left, rest, compiled=False)
            return
        if not short or len(left) < 4:
            rest += left
            return
        if self._bench.device.type == "cuda":
            torch.cuda.empty_cache()
        for half in (left[::2], left[1::2]):
            yield from self._train(half, rest, compiled=compiled)


def _kind(trial: Trial) -> Kind:
    """Return what must be equal in a stack."""
    return trial.steps, trial.optimizer, trial.edits, trial.probe_every, trial.evaluate, trial.eval_every


def _counts(rehearsals: Sequence[Rehearsal]) -> str:
    counts = sorted({one.trials for one in rehearsals})
    return f"{counts[0]} trials" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} trials"


def _speedups(rehearsals: Sequence[Rehearsal]) -> str:
    texts = sorted({f"{one.speedup:.1f}" for one in rehearsals}, key=float)
    return f"{texts[0]} times" if len(texts) == 1 else f"{texts[0]} to {texts[-1]} times"
