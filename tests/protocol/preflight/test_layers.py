"""The layers through the warm start."""

import math

import pytest

from tests.cases import adamw, workload
from tests.looking import looked
from trainsense.records.evidence import LayerStatistics
from trainsense.workload.contract import Workload


def statistics(checked: Workload) -> LayerStatistics:
    """Return the evidence."""
    return next(one for one in looked(checked, only=[LayerStatistics]) if isinstance(one, LayerStatistics))


def test_snapshots_from_initialisation_through_the_warm_start() -> None:
    """Full looks at both ends, norms and update ratios in between."""
    found = statistics(workload(optimizer=adamw, lr=0.01))
    assert [one.step for one in found.snapshots] == [0, 1, 2, 5, 10, 20, 30]
    assert [one.full for one in found.snapshots] == [True, *[False] * 5, True]
    assert found.warmed is found.snapshots[-1]
    assert found.warmed.loss < found.first.loss
    for snapshot in found.snapshots[:-1]:
        assert [one.parameter for one in snapshot.layers] == ["0.weight", "2.weight"]
        for one in snapshot.layers:
            assert one.update_ratio is not None
            assert 1e-4 < one.update_ratio < 1
            assert one.gradient_norm
    first, later = found.first.layers[0], found.snapshots[3].layers[0]
    assert first.weight_norm != pytest.approx(later.weight_norm, rel=1e-6)


def test_a_warm_start_that_fails_leaves_the_look_at_initialisation() -> None:
    """And a sentence that says so."""
    found = statistics(workload(lr=1e4))
    assert found.warmed is None
    assert found.blind
    assert math.isfinite(found.first.loss)
