"""Reports for the tests of the reporters: a sick one, a healthy one, one that came to nothing."""

import math

from tests.reporters.samples import evidence
from trainsense.records.finding import Finding, NotAssessed, Passed
from trainsense.records.fix import Fix, Improvement
from trainsense.records.report import Cost, Recommendation, Report, WorkloadSummary
from trainsense.records.settings import Settings
from trainsense.reporters.stages import stage_entries

TRICKY_NAME = "résumé [red]net[/red] 日本語 \x1b[31m"
"""What a user may call a workload: markup, wide characters, an escape code."""

CODE = """optimizer = torch.optim.SGD(model.parameters(), lr=1.47)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 46, total_iters=46)"""


def unhealthy() -> Report:
    """Return the report of a full diagnosis, with every section filled and numbers that are not finite."""
    findings = (
        Finding(
            rule="gradient-outliers",
            severity="note",
            title="Single steps have gradients far above the rest",
            detail="Three of 300 steps. Nothing followed from them.",
            evidence={"largest": math.inf, "smallest": float("-inf"), "steps": (12, 80, 101)},
            plots=("gradient-norm",),
        ),
        Finding(
            rule="early-instability",
            severity="error",
            title="At your learning rate 0.3 the loss becomes NaN at step 30, on 1 of 1 seeds",
            detail="The loss rises from step 28 on and never comes back. Raising the lr over the first steps usually "
            "avoids this. See [link=https://example.org]the guide[/link].\nWarm up for 46 steps, or train at lr 0.1.",
            evidence={"onset_step": 28, "peak": math.nan, "best_lr": 0.1, "runs": {"seed": 0, "stopped": True}},
            plots=("loss-above-best-lr", "lr-axis"),
            fixes=("warmup", "lower-lr"),
        ),
        Finding(
            rule="best-lr-at-edge",
            severity="warning",
            title="The best learning rate, 0.1, is one grid point below failure",
            detail="Your learning rate is limited by instability, not by the task.",
            evidence={"best_lr": 0.1, "unstable_lr": 0.464},
            fixes=("warmup",),
        ),
    )
    settings = Settings(lr=1.47, warmup_steps=46)
    fixes = (
        Fix(
            fix="warmup",
            title="Warm up linearly over 46 steps",
            status="verified",
            settings=settings,
            baseline_loss=0.7412345678,
            loss=0.31,
            improvement=Improvement(mean=0.21, low=0.18, high=0.24),
            seeds=5,
            code={"pytorch": CODE, "lightning": "…", "transformers": "…"},
            price="46 more steps, 0.46% of your 10,000",
        ),
        Fix(
            fix="clip-grad-norm",
            title="Clip",
            status="inconclusive",
            settings=Settings(lr=1.0, clip_norm=1.7),
            baseline_loss=math.inf,
            loss=0.4,
            improvement=Improvement(mean=0.02, low=-math.inf, high=math.inf),
            seeds=1,
            reason="Not recommended: it clips 80% of the updates of [b]net.0[/b].",
        ),
        Fix(
            fix="lower-lr",
            title="Train at lr*",
            status="rejected",
            settings=Settings(lr=0.1),
            baseline_loss=0.3,
            loss=math.nan,
            improvement=Improvement(mean=-0.013, low=-0.02, high=0.001),
            seeds=10,
        ),
        Fix(
            fix="zero-init-residual",
            title="Start every residual branch at zero",
            status="inconclusive",
            settings=Settings(lr=0.0464, optimizer="AdamW", edits=("zero-init-residual", "normalize-inputs")),
            loss=0.7312,
            seeds=1,
            reason="On the first seed it ended no better than the best lr without it: not pursued.",
        ),
        *_untested(),
    )
    return Report(
        version="0.1.0",
        command="diagnose",
        workload=WorkloadSummary(
            name=TRICKY_NAME,
            source="recipes/[bold]post_norm[/bold].py:workload",
            parameters=1_234_567,
            device="cpu",
            fingerprint="ab12",
        ),
        verdict="unhealthy",
        summary="Training fails at your learning rate 0.3. Warm up over 46 steps and train at 1.47: the loss falls to "
        "0.31, 21 % of the achievable drop better than today.",
        findings=findings,
        fixes=fixes,
        recommendation=Recommendation(
            settings=settings,
            fixes=("warmup",),
            why="The warmup lets a larger lr train. It gains 21 % of the drop (18 to 24) over 5 pairs.",
            price="46 more steps, 0.46% of your 10,000",
            code={"pytorch": CODE, "lightning": "…", "transformers": "…"},
        ),
        stages=stage_entries(evidence()),
        cost=Cost(trials=42, steps=12_600, seconds=83.21),
        passed=tuple(
            Passed(rule=rule) for rule in ("no-gradient", "not-optimized", "double-softmax", "warmup-too-long")
        ),
        not_assessed=(
            NotAssessed(rule="attention-logits-growing", reason="the model has no attention that could be found"),
            NotAssessed(rule="overfitting", reason="there is no eval_data"),
        ),
        not_run=("Warmup and clipping together did not fit the budget of 10m.",),
        plots={"lr-axis": "plots/lr-axis.png", "trials": "tables/trials.csv"},
    )


def _untested() -> tuple[Fix, ...]:
    """Return two that cannot be made in this model for one reason, two to be made by hand, and one without a reason."""
    nowhere = "It cannot be applied to this model: no residual block [x + f(x)] was found."
    by_hand = "It changes the model's own code: make it, and run trainsense again."
    edits = [
        Fix(fix=name, title="…", status="untested", settings=Settings(lr=0.3, edits=(name,)), reason=nowhere)
        for name in ("pre-norm", "reinitialize")
    ]
    plain = Settings(lr=0.3)
    return (
        *edits,
        Fix(fix="qk-norm", title="Normalise queries and keys", status="untested", settings=plain, reason=by_hand),
        Fix(fix="z-loss", title="Add the z-loss", status="untested", settings=plain, reason=by_hand),
        Fix(fix="change-optimizer", title="AdamW", status="untested", settings=Settings(lr=1e-5, optimizer="AdamW")),
    )


def healthy() -> Report:
    """Return a report without findings."""
    return Report(
        version="0.1.0",
        command="sweep-lr",
        workload=WorkloadSummary(name="mlp", source="mlp.py", parameters=10, device="cpu", fingerprint=""),
        verdict="healthy",
        summary="Nothing is wrong.",
        findings=(),
        fixes=(),
        recommendation=None,
        stages=stage_entries(evidence()[1:2]),
        cost=Cost(trials=1, steps=300, seconds=0.0),
    )


def empty() -> Report:
    """Return the report of a diagnosis that was interrupted before anything was measured."""
    return Report(
        version="0.1.0",
        command="diagnose",
        workload=WorkloadSummary(name="", source="", parameters=0, device="cpu", fingerprint=""),
        verdict="inconclusive",
        summary="",
        findings=(),
        fixes=(),
        recommendation=None,
        stages={},
        cost=Cost(trials=0, steps=0, seconds=0.0),
        not_run=("Everything: interrupted.",),
    )
