"""What to know before a comparison is read: other workloads, other commands, other conditions."""

from trainsense.compare.figures.sweep import sweep_of
from trainsense.records.report import Report


def remarks_on(base: Report, new: Report) -> tuple[str, ...]:
    """Return a sentence for each way in which the two reports are of different things."""
    said = []
    if not same_workload(base, new):
        said.append(
            f"These are two workloads, {_named(base)} and {_named(new)}: what follows compares them all the same."
        )
    if base.command != new.command:
        said.append(f"BASE is by {base.command}, NEW by {new.command}: what both have is compared.")
    if base.version != new.version:
        said.append(f"BASE is by trainsense {base.version}, NEW by {new.version}.")
    devices = base.workload.device, new.workload.device
    if all(devices) and devices[0] != devices[1]:
        said.append(f"BASE ran on {base.workload.device}, NEW on {new.workload.device}.")
    seeds = [None if report.provenance is None else report.provenance.seed for report in (base, new)]
    if None not in seeds and seeds[0] != seeds[1]:
        said.append(
            f"The first seed was {seeds[0]} in BASE and {seeds[1]} in NEW: a finding near its threshold may come and go."
        )
    before, after = sweep_of(base), sweep_of(new)
    if before is not None and after is not None and before.horizon != after.horizon:
        said.append(
            f"Trials took {before.horizon} steps in BASE and {after.horizon} in NEW: their losses are not comparable. "
            "--steps N, or a budget in steps, holds the horizon still."
        )
    return tuple(said)


def same_workload(base: Report, new: Report) -> bool:
    """Return whether the two are of one workload: the same content, the same name or the same file."""
    left, right = base.workload, new.workload
    if left.fingerprint and left.fingerprint == right.fingerprint:
        return True
    return left.name == right.name or left.source == right.source


def _named(report: Report) -> str:
    name, source = report.workload.name or "one without a name", report.workload.source
    return f"{name} ({source})" if source else name
