"""Figures with their intervals: what can be told apart."""

import math
from typing import Any

import pytest

from tests.compare.sample_sweeps import BEST, EDGE, UNSTABLE, minimal, sweep, swept, trials
from trainsense.compare.figures import compare_figures
from trainsense.records.report import Report
from trainsense.records.report_comparison import ComparedFigure


def figure(name: str, base: Report, new: Report) -> ComparedFigure:
    """Return one figure."""
    return next(one for one in compare_figures(base, new) if one.name == name)


def test_a_report_against_itself_is_the_same_in_everything_it_gives() -> None:
    """Every figure is there, whether given or not."""
    figures = compare_figures(swept(), swept())
    assert {one.verdict for one in figures if one.base is not None} == {"same"}
    assert {one.name for one in figures if one.base is None} == {"loss_at_user_setting", "clip_norm", "warmup_steps"}
    assert {one.verdict for one in compare_figures(minimal(), minimal()) if one.base is None} == {"not comparable"}
    assert figure("best_lr", swept(), minimal()).verdict == "only in one"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"best_lr": 0.215443, "best_range": [0.1, 0.464159]}, "same"),
        ({"best_lr": 0.464159, "best_range": [0.464159, 0.464159]}, "same"),  # neighbouring points of the grid
        ({"best_lr": 1.0, "best_range": [1.0, 2.15443]}, "higher"),
        ({"best_lr": 0.001, "best_range": [0.001, 0.0046]}, "lower"),
        ({"best_lr": 0.001, "best_range": [0.001, 0.0046], "horizon": 1000}, "not comparable"),
        ({"best_lr": 0.001, "best_range": [0.001, 0.0046], "horizon": 310}, "lower"),
        ({"best_lr": 1.0, "best_range": None}, "not comparable"),
        ({"best_lr": 1.0, "best_range": ["nan", "inf"]}, "not comparable"),
        ({"best_lr": None, "best_range": None}, "only in one"),
        ({"best_lr": "inf"}, "only in one"),
    ],
)
def test_best_lr(changes: dict[str, Any], verdict: str) -> None:
    """Ranges that overlap, or nearly, are the same."""
    assert figure("best_lr", swept(), swept(**changes)).verdict == verdict


def test_a_decade_is_a_lower_edge_whatever_shows_it() -> None:
    """A report of few words is believed; the mirror image is an improvement."""
    low: dict[str, Any] = {"edge_lr": 0.0215443, "unstable_lr": 0.0464159, "best_lr": 0.01, "trials": []}
    fell = figure("edge_lr", swept(), swept(**low))
    assert (fell.verdict, fell.regression, fell.improvement) == ("lower", True, False)
    rose = figure("edge_lr", swept(**low), swept())
    assert (rose.verdict, rose.regression, rose.improvement) == ("higher", False, True)


@pytest.mark.parametrize(
    ("failing", "regression"),
    [
        (["nan"], False),  # one seed against three
        (["nan", "nan", "nan"], True),
        (["nan", "nan", 0.3], False),
    ],
)
def test_one_point_counts_only_with_three_seeds(failing: list[float | str], *, regression: bool) -> None:
    """All of three against none of three."""
    new = swept(edge_lr=BEST, unstable_lr=EDGE, trials=[*trials(BEST, [0.2, 0.2, 0.2]), *trials(EDGE, failing)])
    fell = figure("edge_lr", swept(), new)
    assert (fell.verdict, fell.regression) == ("lower", regression)
    assert "0.215 fails in NEW, and 0.215 trains in BASE" in fell.reason


def test_two_points_on_single_seeds_may_be_chance() -> None:
    """As two seeds of wide_resnet differ."""
    lrs = (0.0464159, 0.1, 0.215443, 0.464159)
    base = swept(trials=[one for lr in lrs for one in trials(lr, ["nan" if lr > 0.3 else 0.2])])
    failing = [one for lr in lrs for one in trials(lr, ["nan" if lr > 0.05 else 0.2])]
    new = swept(edge_lr=0.0464159, unstable_lr=0.1, best_lr=0.0464159, trials=failing)
    fell = figure("edge_lr", base, new)
    assert (fell.verdict, fell.regression) == ("lower", False)
    unseen = figure("edge_lr", base, swept(edge_lr=0.0464159, unstable_lr=0.1, trials=[]))
    assert unseen.regression


def test_brackets_that_overlap_are_the_same() -> None:
    """A coarser grid is no lower edge."""
    assert figure("edge_lr", swept(), swept(edge_lr=0.1, unstable_lr=1.0)).verdict == "same"
    assert figure("edge_lr", swept(), swept(unstable_lr=None)).verdict == "same"


def test_nothing_trains_any_more() -> None:
    """No edge at all is the lowest there is."""
    nothing: dict[str, Any] = {"best_lr": None, "best_range": None, "edge_lr": None, "unstable_lr": None}
    lowest = [one for lr in (0.001, 0.01, 0.1) for one in trials(lr, ["nan"])]
    fell = figure("edge_lr", swept(), swept(**nothing, trials=lowest))
    assert (fell.verdict, fell.regression) == ("lower", True)
    assert fell.new is not None
    assert (fell.new.value, fell.new.low, fell.new.high) == (None, 0.0, 0.001)
    assert figure("edge_lr", swept(**nothing, trials=lowest), swept(**nothing, trials=lowest)).verdict == "same"
    assert figure("edge_lr", swept(), swept(**nothing, trials=[])).verdict == "only in one"


def test_another_horizon_has_another_edge() -> None:
    """Longer trials fail at lower learning rates; a few steps more do not matter."""
    low: dict[str, Any] = {"edge_lr": 0.001, "unstable_lr": 0.00215443, "trials": []}
    assert figure("edge_lr", swept(), swept(**low, horizon=1000)).verdict == "not comparable"
    assert figure("edge_lr", swept(), swept(**low, horizon=294)).regression


def test_an_event_of_the_instability_check_alone_lowers_no_edge() -> None:
    """It is a finding of its own; trials are held against trials."""
    check = {"check_instability": {"runs": [{"factor": 2, "lr": 0.02, "kind": "mid", "recovered": False}]}}
    check["check_instability"]["runs"][0] |= {"onset_step": 400, "peak": 0.3}
    new = swept(check, edge_lr=0.01, unstable_lr=0.02)
    one = figure("edge_lr", swept(), new)
    assert one.verdict == "same"
    assert one.new is not None
    assert (one.new.value, one.new.high) == (EDGE, UNSTABLE)
    assert "event at 0.02" in one.new.note


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"trials": trials(BEST, [0.21, 0.21, 0.25])}, "same"),  # zero within
        ({"trials": trials(BEST, [0.21, 0.23, 0.25])}, "same"),  # told apart in pairs, and below the margin
        ({"trials": trials(BEST, [0.30, 0.32, 0.35])}, "worse"),
        ({"trials": trials(BEST, [0.10, 0.12, 0.15])}, "better"),
        ({"trials": trials(BEST, [0.30, 0.32, 0.35], seed=50)}, "worse"),  # other seeds
        ({"trials": trials(BEST, [0.20, 0.32, 0.55], seed=50)}, "same"),
        ({"trials": trials(BEST, [0.30], seed=50)}, "same"),  # one seed gives no interval
        ({"trials": trials(BEST, [1.9], seed=50)}, "worse"),  # but half of the drop is no noise
        ({"trials": trials(BEST, [0.30, 0.32, 0.35]), "horizon": 299}, "not comparable"),
        ({"trials": trials(BEST, [30.0, 32.0, 35.0]), "initial_loss": 90.0, "trivial_loss": 80.0}, "not comparable"),
        ({"trials": trials(BEST, ["nan", "nan", "nan"])}, "worse"),  # a failure counts as achieving nothing
        ({"trials": []}, "only in one"),
    ],
)
def test_loss(changes: dict[str, Any], verdict: str) -> None:
    """In pairs where the seeds are the same, after Welch where they are not."""
    one = figure("loss", swept(), swept(**changes))
    assert one.verdict == verdict
    assert not one.regression


def test_a_loss_carries_its_interval_or_says_that_it_has_none() -> None:
    """Student's t over seeds."""
    one = figure("loss", swept(), swept(trials=trials(BEST, [0.3])))
    assert one.base is not None
    assert one.new is not None
    assert one.base.low is not None
    assert math.isclose(one.base.low, 0.22 - 4.302653 * 0.02 / math.sqrt(3), rel_tol=1e-5)
    assert (one.new.low, one.new.high, one.new.note) == (None, None, "lr 0.1, 1 seed")
    assert "one seed gives no interval" in figure("loss", swept(), swept(trials=trials(BEST, [0.3], seed=9))).reason


def own(losses: list[float | str], lr: float = 0.3) -> Report:
    """Return a report with the user's own setting."""
    return swept({"user_setting": {"lr": lr, "runs": trials(lr, losses)}})


def test_the_loss_at_the_users_own_setting() -> None:
    """Two settings that fail on all seeds are the same, wherever their losses ended."""
    assert figure("loss_at_user_setting", own([0.3, 0.3, 0.4]), own([0.8, 0.9, 0.9], 0.5)).verdict == "worse"
    assert figure("loss_at_user_setting", own(["nan", "nan"]), own(["nan", "nan"])).verdict == "same"
    assert figure("loss_at_user_setting", own(["nan", "nan"]), own([0.3, 0.3])).verdict == "better"
    assert figure("loss_at_user_setting", own([]), own([0.3])).verdict == "only in one"


def clipped(**changes: Any) -> Report:
    """Return a report with a clipping threshold."""
    percentiles = {"25": 0.5, "50": 1.0, "75": 1.5, "90": 2.0, "99": 4.0}
    stage = {"clip_norm": 2.0, "percentile": 90, "clipped_fraction": 0.1, "percentiles": percentiles}
    return minimal(stages={"pick_clip": {**stage, **changes}})


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"clip_norm": 3.0, "percentiles": {"75": 2.0, "90": 3.0, "99": 9.0}}, "same"),
        ({"clip_norm": 9.0, "percentiles": {"75": 6.0, "90": 9.0, "99": 12.0}}, "higher"),
        ({"clip_norm": 3.0, "percentiles": None}, "not comparable"),
        ({"clip_norm": 3.0, "percentiles": {"90": 3.0}}, "not comparable"),
        ({"clip_norm": None, "refused": "It clips everything."}, "only in one"),
    ],
)
def test_clip_norm(changes: dict[str, Any], verdict: str) -> None:
    """Known to the percentiles on either side."""
    assert figure("clip_norm", clipped(), clipped(**changes)).verdict == verdict


def test_two_that_recommend_no_threshold_are_the_same() -> None:
    """With the words of the report."""
    one = figure("clip_norm", clipped(clip_norm=None, refused="Why."), clipped(clip_norm=None, refused="Why."))
    assert (one.verdict, one.reason) == ("same", "in both: Why.")


def warmed(steps: int | None, failing: tuple[int, ...], lr: float | None = 1.0) -> Report:
    """Return a report with a warmup of `steps`, longer than those that fail."""
    tried = [(length, False) for length in failing] + ([] if steps is None else [(steps, True)])
    runs = [{"lr": lr or 1.0, "warmup_steps": length, "feasible": works, "loss": 0.3} for length, works in tried]
    return minimal(stages={"sweep_warmup": {"lr": lr, "warmup_steps": steps, "trials": runs}})


@pytest.mark.parametrize(
    ("base", "new", "verdict"),
    [
        (warmed(100, (10,)), warmed(60, (30,)), "same"),
        (warmed(10, ()), warmed(100, (10,)), "higher"),
        (warmed(100, (10,)), warmed(10, ()), "lower"),
        (warmed(100, (10,), 1.0), warmed(10, (), 10.0), "not comparable"),
        (warmed(100, (10,)), warmed(None, (10, 100), None), "only in one"),
    ],
)
def test_warmup(base: Report, new: Report, verdict: str) -> None:
    """Between the longest that fails and the shortest that works, at about one learning rate."""
    assert figure("warmup_steps", base, new).verdict == verdict


def test_lr_sensitivity_has_no_interval() -> None:
    """Only what no seeds have shown counts, as a share of the drop."""
    assert figure("lr_sensitivity", swept(), swept(lr_sensitivity=0.9)).verdict == "same"
    assert figure("lr_sensitivity", swept(), swept(lr_sensitivity=1.9)).verdict == "higher"
    assert figure("lr_sensitivity", swept(), swept(lr_sensitivity=1.9, horizon=1000)).verdict == "not comparable"
    assert figure("lr_sensitivity", swept(), swept(lr_sensitivity=19.0, loss_drop=20.0)).verdict == "higher"


def test_cost_is_counted() -> None:
    """Seconds within a factor of two may be the machine's."""
    dear = minimal(cost={"trials": 20, "steps": 3000, "seconds": 3.9})
    verdicts = {name: figure(name, minimal(), dear).verdict for name in ("trials", "steps", "seconds")}
    assert verdicts == {"trials": "higher", "steps": "same", "seconds": "same"}


@pytest.mark.parametrize(
    "stages",
    [
        {"sweep_lr": sweep(lr_sensitivity="nan", loss_drop="inf", initial_loss="nan", trivial_loss=None)},
        {"sweep_lr": sweep(loss_drop=0.0, trials=trials(BEST, ["inf", "-inf", "nan"]))},
        {"sweep_lr": sweep(loss_drop=1e308, trials=trials(BEST, [1e308, -1e308, 1e308]))},
        {"sweep_lr": sweep(loss_drop=10**400, lr_sensitivity=10**400)},
        {"sweep_lr": sweep(edge_lr=UNSTABLE, unstable_lr=EDGE)},
        {"sweep_lr": sweep(), "user_setting": {"lr": "nan", "runs": 5}},
        {"sweep_lr": sweep(), "user_setting": {"lr": 0.1, "runs": [None, {"seed": "x", "loss": []}]}},
        {"pick_clip": {"clip_norm": "inf", "percentile": "nan", "clipped_fraction": None, "percentiles": {}}},
        {"sweep_warmup": {"lr": "inf", "warmup_steps": 5, "trials": []}},
    ],
)
def test_odd_reports_are_read(stages: dict[str, Any]) -> None:
    """Against itself, whatever it holds, nothing moved; nor does anything raise against a whole one."""
    odd = minimal(stages=stages)
    assert {one.verdict for one in compare_figures(odd, odd)} <= {"same", "not comparable"}
    whole = own([0.3, 0.4])
    assert len(compare_figures(odd, whole)) == len(compare_figures(whole, odd))
