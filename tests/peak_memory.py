"""The most memory that torch held while something ran."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def peak_bytes(run: Callable[[], object]) -> int:
    """Return the most bytes that torch held on the host at a time while `run` ran, above what it held before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run()
    assert profiled.profiler is not None
    results = profiled.profiler.kineto_results
    assert results is not None
    events = sorted((one for one in results.events() if one.name() == "[memory]"), key=lambda one: one.start_ns())
    held = most = 0
    for event in events:
        held += event.nbytes()
        most = max(most, held)
    return most
