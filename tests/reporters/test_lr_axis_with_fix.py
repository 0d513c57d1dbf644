"""Tests of the chart before and after a fix: which fix it shows, what it says of it, and that it can be read."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tests.reporters.sample_fixes import (
    BEST_WITH,
    BEST_WITHOUT,
    WARMUP,
    WITHOUT,
    arm,
    axis,
    compared,
    fresh,
    tried,
    verified_arm,
)
from tests.reporters.samples import L0, trained
from trainsense.records.evidence import Arm, Drop, FixesTried, LearningRateSweep
from trainsense.records.settings import Settings
from trainsense.reporters.charts import draw_charts
from trainsense.reporters.charts.lr_axis_with_fix import draw_lr_axis_with_fix
from trainsense.reporters.charts.lr_scales import CROSS_HEIGHT
from trainsense.reporters.charts.style import house_style

EDITED = Settings(lr=BEST_WITH, edits=("zero-init-residual",))
USER_LR = 0.05
NAMED_LONG = Settings(lr=BEST_WITH, edits=("zero-init-residual", "normalize-inputs", "replace-activation"))


def drawn(
    sweep: LearningRateSweep, fixes: FixesTried, *, user_lr: float | None = USER_LR, recommended: Settings | None = None
) -> Figure:
    """Return the figure, which has to be there."""
    with house_style():
        figure = draw_lr_axis_with_fix(sweep, fixes, user_lr=user_lr, recommended=recommended)
    assert figure is not None
    return figure


def title(figure: Figure) -> str:
    """Return the title on one line."""
    return " ".join(str(figure.get_suptitle()).split())


def lines(figure: Figure, marker: str) -> list[Line2D]:
    """Return what is drawn with a marker, before first."""
    return [line for line in figure.axes[0].lines if line.get_marker() == marker]


def at(line: Line2D) -> tuple[list[float], list[float]]:
    """Return where a line's points are."""
    points = np.asarray(line.get_xydata(), dtype=np.float64)
    return points[:, 0].tolist(), points[:, 1].tolist()


def legend(figure: Figure) -> list[str]:
    """Return the entries of the legend, each on one line, without the blanks."""
    labels = [" ".join(text.get_text().split()) for text in figure.legends[0].get_texts()]
    return [label for label in labels if label]


def nothing_trains() -> LearningRateSweep:
    """Return an axis on which every learning rate fails."""
    return axis(dict.fromkeys(WITHOUT), best=None)


def flat() -> LearningRateSweep:
    """Return an axis on which every learning rate ends where it began."""
    drop = Drop(initial=L0, trivial=None, best=2.44, standard_error=0.01)
    return replace(axis(dict.fromkeys(WITHOUT, 2.44), best=0.001), drop=drop)


def rescued() -> FixesTried:
    """Return an edit under which training begins."""
    verdict = compared(L0, 0.71)
    fix = arm(
        {0.001: 1.9, 0.01: 1.2, BEST_WITH: 0.68, 0.1: None},
        EDITED,
        fix="zero-init-residual",
        against_baseline=verdict,
        against_lower_lr=verdict,
        runs=fresh(BEST_WITH, 0.71),
    )
    return tried(fix)


def partly_failed() -> FixesTried:
    """Return clipping and warmup of which one fresh seed failed."""
    both = replace(verified_arm(), fix="clip-and-warmup", settings=replace(WARMUP, clip_norm=1.734))
    lower = compared(1.43, 1.06, status="inconclusive")
    return tried(replace(both, runs=fresh(BEST_WITH, 0.71, failed=1), against_lower_lr=lower))


def better_than_yours() -> FixesTried:
    """Return a fix held against a learning rate of the user's that trains, below lr*."""
    fix = replace(verified_arm(), against_baseline=compared(1.9, 0.71))
    return tried(fix, baseline=Settings(lr=0.003))


def at_yours_too() -> Arm:
    """Return a warmup screened at lr* and above, and at the user's own lr beside the grid."""
    fix = arm({0.01: 1.35, 0.0215: 1.02, BEST_WITH: 0.68, USER_LR: 0.7}, runs=fresh(BEST_WITH, 0.71))
    return replace(fix, against_baseline=compared(L0, 0.71), against_lower_lr=compared(1.43, 0.71))


CASES = {
    "verified": (axis(), tried()),
    "yours trains": (axis(), better_than_yours()),
    "nothing trains": (nothing_trains(), rescued()),
    "flat": (flat(), rescued()),
    "a seed failed": (axis(), partly_failed()),
    "screened": (axis(), tried(arm())),
    "long name": (axis(), tried(replace(verified_arm(), settings=NAMED_LONG))),
    "narrow": (axis({0.01: 1.41, 0.0215: 1.62, 0.0464: None}), tried(at_yours_too())),
}


def test_the_two_axes_of_a_verified_warmup() -> None:
    """Means over seeds without, the first seed with; each star where the fresh seeds put it; failures in two rows."""
    figure = drawn(axis(), tried())
    assert title(figure) == "Warmup of 100 steps lets lr 0.0464 train: 0.71 instead of 1.43, the best without it"
    assert figure.axes[0].get_title(loc="left") == "verified on 5 fresh seeds: +72% of the loss drop (67 to 77)"
    (before,), (after,) = lines(figure, "o"), lines(figure, "s")
    assert at(before)[0] == [0.001, 0.00215, 0.00464, 0.01, 0.0215]
    assert at(before)[1] == pytest.approx([2.39, 2.21, 1.87, 1.44, 1.65])
    assert at(after) == ([0.01, 0.0215, 0.0464, 0.1], [1.35, 1.02, 0.68, 0.94])
    assert [at(star) for star in lines(figure, "*")] == [([BEST_WITHOUT], [1.43]), ([BEST_WITH], [0.71])]
    above, below = lines(figure, "x")
    assert at(above) == ([0.0464, 0.1], [CROSS_HEIGHT, CROSS_HEIGHT])
    assert at(below)[0] == [0.215]
    assert at(below)[1][0] < CROSS_HEIGHT
    seeds = [losses for line in lines(figure, "_") if len(losses := at(line)[1]) > 1]
    assert [len(losses) for losses in seeds] == [5, 5]
    assert seeds[1] == pytest.approx([0.61, 0.66, 0.71, 0.76, 0.81])


def test_the_legend_says_which_is_which() -> None:
    """A column a side, then the user's own."""
    assert legend(drawn(axis(), tried())) == [
        "without",
        "best: lr 0.01, loss 1.43",
        "fails",
        "with warmup of 100 steps",
        "best: lr 0.0464, loss 0.71",
        "fails",
        "your lr 0.05, which fails",
        "initial loss",
        "a fresh seed (star: their mean)",
    ]


def test_the_sides_differ_in_more_than_colour() -> None:
    """Line, shape and filling, for print and for any colour vision."""
    figure = drawn(axis(), tried())
    (before,), (after,) = lines(figure, "o"), lines(figure, "s")
    assert before.get_linestyle() != after.get_linestyle()
    assert before.get_markerfacecolor() == "white"
    assert after.get_markerfacecolor() == after.get_color() != before.get_color()


def test_the_users_own_setting() -> None:
    """Its loss on the fresh seeds where it trained; not where it fails, and not where it is lr*."""
    (diamond,) = lines(drawn(axis(), better_than_yours(), user_lr=0.003), "D")
    assert at(diamond) == ([0.003], [1.9])
    assert "your lr 0.003" in legend(drawn(axis(), better_than_yours(), user_lr=0.003))
    assert not lines(drawn(axis(), tried()), "D")
    at_best = tried(verified_arm(), baseline=Settings(lr=BEST_WITHOUT))
    assert not lines(drawn(axis(), at_best, user_lr=BEST_WITHOUT), "D")
    assert not lines(drawn(axis(), better_than_yours(), user_lr=None), "D")
    far = replace(verified_arm(), against_baseline=compared(1e6, 0.71))
    assert not lines(drawn(axis(), tried(far, baseline=Settings(lr=0.003)), user_lr=0.003), "D")


def test_where_nothing_trains_without_the_fix() -> None:
    """All crosses, or a flat line, and no star without."""
    said = "Without zero-init-residual no learning rate trains; with it lr 0.0464 ends at 0.71"
    figure = drawn(nothing_trains(), rescued())
    assert title(figure) == said
    assert at(lines(figure, "x")[0])[0] == list(WITHOUT)
    assert at(lines(figure, "o")[0]) == ([], [])
    assert [at(star) for star in lines(figure, "*")] == [([BEST_WITH], [0.71])]
    unsure = replace(rescued().arms[0], against_baseline=compared(L0, 2.3, status="inconclusive"))
    assert title(drawn(nothing_trains(), tried(unsure))) == (
        "Not settled on 5 fresh seeds: zero-init-residual ends at 2.3, your own setting at 2.45"
    )
    bare = replace(rescued().arms[0], against_lower_lr=None)
    assert title(drawn(nothing_trains(), tried(bare))) == said
    assert title(drawn(axis(), tried(bare))).startswith("Not verified: zero-init-residual looks better")
    figure = drawn(flat(), rescued())
    assert title(figure) == said
    assert at(lines(figure, "o")[0])[1] == pytest.approx([2.47] * len(WITHOUT))
    assert len(lines(figure, "*")) == 1


def test_an_infeasible_run_with_a_loss_is_a_cross_and_no_point() -> None:
    """A loss may be finite and far too high: it must not stretch the axis."""
    fix = verified_arm()
    screened = (*fix.screened[:3], trained(0.1, 40.0), *fix.screened[4:])
    spoilt = replace(fix, screened=screened, infeasible=(None, None, None, "below-half-drop", "non-finite-loss"))
    figure = drawn(axis(), tried(spoilt))
    assert at(lines(figure, "s")[0])[0] == [0.01, 0.0215, BEST_WITH]
    assert at(lines(figure, "x")[1])[0] == [0.1, 0.215]
    assert figure.axes[0].get_ylim()[1] < 3


def test_a_seed_that_failed_is_shown() -> None:
    """A cross with the count at the chosen lr; the star counts it at the initial loss, as the comparison does."""
    figure = drawn(axis(), partly_failed())
    assert at(lines(figure, "x")[1])[0] == [0.215, BEST_WITH]
    assert "1/5" in [text.get_text() for text in figure.axes[0].texts]
    assert at(lines(figure, "*")[1]) == ([BEST_WITH], [1.06])
    assert "fails (n/m: on n of m seeds)" in legend(figure)
    assert "with clipping at 1.73 plus warmup of 100 steps" in legend(figure)


@pytest.mark.parametrize(
    ("fix", "said"),
    [
        (
            arm(against_baseline=compared(L0, 1.39), against_lower_lr=compared(1.43, 1.39, status="inconclusive")),
            "Not settled on 5 fresh seeds: warmup of 100 steps ends at 1.39, the best lr without it at 1.43",
        ),
        (
            arm(against_baseline=compared(L0, 1.45), against_lower_lr=compared(1.43, 1.45, status="rejected", pairs=1)),
            "Warmup of 100 steps buys nothing on one fresh seed: 1.45 at lr 0.0464, 1.43 at the best lr without it",
        ),
        (
            arm(against_baseline=compared(0.9, 0.71, status="inconclusive"), against_lower_lr=compared(1.43, 0.71)),
            "Warmup of 100 steps beats the best lr without it, 0.71 against 1.43, but not your own setting",
        ),
        (
            arm(),
            "Not verified: warmup of 100 steps looks better at lr 0.0464 on the first seed, by 40% of the loss drop",
        ),
        (
            replace(verified_arm(), settings=Settings(lr=0.0215, optimizer="AdamW")),
            "AdamW at lr 0.0215 ends at 0.71 instead of 1.43, the best without it",
        ),
        (
            replace(verified_arm(), settings=Settings(lr=0.2, clip_norm=1.734)),
            "Clipping at 1.73 lets lr 0.2 train: 0.71 instead of 1.43, the best without it",
        ),
        (
            replace(verified_arm(), settings=Settings(lr=0.0464, optimizer="AdamW")),
            "AdamW at lr 0.0464 ends at 0.71 instead of 1.43, the best without it",
        ),
    ],
)
def test_the_title_claims_what_was_shown(fix: Arm, said: str) -> None:
    """`lets train` where the lr is known to fail without; verified only with both comparisons."""
    assert title(drawn(axis(), tried(fix))) == said


def test_what_the_user_has_anyway_is_no_part_of_the_fix() -> None:
    """Their own clipping stays out of the words."""
    clipped = replace(verified_arm(), settings=replace(WARMUP, clip_norm=1.0))
    own = tried(clipped, baseline=Settings(lr=USER_LR, clip_norm=1.0))
    assert title(drawn(axis(), own)).startswith("Warmup of 100 steps lets")


def test_losses_that_are_close_are_told_apart() -> None:
    """In the title and in the legend."""
    close = compared(1.43211, 1.43199)
    figure = drawn(axis(), tried(replace(verified_arm(), against_lower_lr=close)))
    assert "1.432 instead of 1.4321" in title(figure)
    assert "best: lr 0.01, loss 1.4321" in legend(figure)


def lr_change() -> Arm:
    """Return the change of lr, verified."""
    return arm(
        {BEST_WITHOUT: 1.41, 0.0215: 1.5},
        Settings(lr=BEST_WITHOUT),
        fix="lower-lr",
        against_baseline=compared(L0, 1.43),
        runs=fresh(BEST_WITHOUT, 1.43),
    )


@pytest.mark.parametrize(
    "fixes",
    [
        [lr_change()],
        [lr_change(), arm({BEST_WITH: 0.68})],
        [arm(refused="it clips 80% of the updates")],
        [replace(verified_arm(), refused="it clips 80% of the updates")],
        [arm({0.0215: None, BEST_WITH: None})],
        [arm(screened_gain=None)],
        [Arm(fix="warmup", settings=WARMUP)],
    ],
)
def test_no_fix_is_worth_showing(fixes: list[Arm], tmp_path: Path) -> None:
    """A change of lr alone, one learning rate, a refused fix, one that trained nowhere: the plain axis is enough."""
    assert draw_lr_axis_with_fix(axis(), tried(*fixes), user_lr=USER_LR) is None
    assert next(iter(draw_charts([axis(), tried(*fixes)], tmp_path, user_lr=USER_LR))) == "lr-axis"


def test_which_fix_is_shown() -> None:
    """The verified one, whatever was screened; of several the one recommended, else the larger gain."""
    tempting = arm(settings=replace(WARMUP, warmup_steps=30), screened_gain=0.9)
    assert "100 steps lets" in title(drawn(axis(), tried(tempting, verified_arm())))
    larger = arm(settings=replace(WARMUP, warmup_steps=50), screened_gain=0.5)
    assert "30 steps" in title(drawn(axis(), tried(larger, tempting)))
    clip = replace(verified_arm(), fix="clip-grad-norm", settings=Settings(lr=BEST_WITH, clip_norm=1.0))
    better = replace(clip, against_baseline=compared(L0, 0.6))
    assert title(drawn(axis(), tried(verified_arm(), better))).startswith("Clipping at 1 lets")
    assert title(drawn(axis(), tried(verified_arm(), better), recommended=WARMUP)).startswith(
        "Warmup of 100 steps lets"
    )
    half = replace(better, against_lower_lr=compared(1.43, 1.4, status="inconclusive"))
    assert title(drawn(axis(), tried(verified_arm(), half))).startswith("Warmup of 100 steps lets")
    lone = replace(verified_arm(), screened=(trained(BEST_WITH, 0.68),), infeasible=(None,))
    assert title(drawn(axis(), tried(lone, tempting))).startswith("Warmup of 100 steps lets")


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return every text that is drawn, with where it is, in pixels."""
    figure.draw_without_rendering()
    hidden = set()
    for axis_shown in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        low, high = sorted(axis_shown.get_view_interval())
        for tick in (*axis_shown.get_major_ticks(), *axis_shown.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                hidden |= {tick.label1, tick.label2}
    found = [text for text in figure.findobj(Text) if isinstance(text, Text) and text not in hidden]
    shown = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


@pytest.mark.parametrize("case", CASES)
def test_no_text_covers_another_or_leaves_the_figure(case: str) -> None:
    """At the size at which it is saved."""
    sweep, fixes = CASES[case]
    with house_style():
        figure = draw_lr_axis_with_fix(sweep, fixes, user_lr=USER_LR)
        assert figure is not None
        shown = texts(figure)
    assert len(shown) > 10
    for said, box in shown:
        assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1, said
        assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1, said
    for (one, box), (other, another) in combinations(shown, 2):
        assert not Bbox.intersection(box, another), (one, other)


def test_the_files_and_the_order_of_the_plots(tmp_path: Path) -> None:
    """The headline comes first; the same evidence gives the same file; the recommended fix is handed on."""
    clip = replace(verified_arm(), fix="clip-grad-norm", settings=Settings(lr=BEST_WITH, clip_norm=1.0))
    fixes = tried(verified_arm(), replace(clip, against_baseline=compared(L0, 0.6)))
    for directory in ("one", "two"):
        names = draw_charts([fixes, axis()], tmp_path / directory, user_lr=USER_LR, recommended=WARMUP)
        assert list(names)[:2] == ["lr-axis-with-fix", "lr-axis"]
    one, two = ((tmp_path / part / "lr-axis-with-fix.svg").read_text(encoding="utf-8") for part in ("one", "two"))
    assert one == two
    assert "Warmup of 100 steps lets" in one
    assert draw_charts([fixes], tmp_path / "three", user_lr=None) == {}


def test_an_arm_that_promised_nothing_on_the_first_seed_is_not_shown() -> None:
    """There is nothing before and after to be seen."""
    nothing = arm({0.01: 1.5, 0.0215: 1.6}, Settings(lr=0.01, warmup_steps=30), screened_gain=0.015)
    assert draw_lr_axis_with_fix(axis(WITHOUT), tried(nothing), user_lr=None) is None
