"""Whether a warm start shows that a network learns as it is."""

import math

from trainsense.records.evidence import WarmStart


def learns(warm: WarmStart | None, share: float) -> bool:
    """Return whether a short training at the user's setting already tells inputs apart.

    Args:
        warm: how it went.
        share: by how much its loss must lie below that of the best constant prediction, as a share of the latter.
    """
    if warm is None or warm.failed or warm.constant_loss is None or not math.isfinite(warm.loss):
        return False
    return warm.constant_loss - warm.loss > share * abs(warm.constant_loss)
