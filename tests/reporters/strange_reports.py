"""Reports whose every string is a stranger's: markup, escapes, control characters, paths that lead elsewhere."""

from typing import TypeVar

from hypothesis import strategies as st

from trainsense.records.baseline import Baseline
from trainsense.records.finding import SEVERITIES, Finding, Ignored, NotAssessed, Passed
from trainsense.records.fix import Fix, Improvement
from trainsense.records.location import Location
from trainsense.records.provenance import Provenance
from trainsense.records.report import Cost, Recommendation, Report, WorkloadSummary
from trainsense.records.settings import Settings

One = TypeVar("One")
STRANGE = (
    "",
    " ",
    "résumé 日本語 🔥",
    "<b>&amp;</b>]]><!--",
    "::error title=x,file=y::z\r\n::warning::w",
    "%0A%25",
    "a: b, c",
    "findings=[]\nverdict=healthy",
    "\x1b[31m\x00\x08\x85\u2028\u202e",
    "\ud800 \udfff \ufffe \uffff",
    "[[ATTACHMENT|/etc/passwd]]",
    "[click](javascript:alert(1))",
    "../../etc/passwd",
    "/etc/passwd",
    "n" * 10_000,
)
TEXT = st.sampled_from(STRANGE) | st.text(st.characters(exclude_categories=()), max_size=12)
NUMBER = st.floats() | st.integers(-(10**9), 10**9)
EVIDENCE = st.dictionaries(TEXT, NUMBER | TEXT | st.booleans() | st.none() | st.lists(NUMBER, max_size=8), max_size=3)
RULE = st.sampled_from(("dead-relu", "lr-too-high", "no-such-rule")) | TEXT
FIX = st.sampled_from(("lower-lr", "warmup")) | TEXT
NAMES = st.lists(FIX, max_size=2).map(tuple)
SEVERITY = st.sampled_from(SEVERITIES)
LOCATION = st.builds(
    Location,
    module=TEXT,
    file=st.sampled_from(("model.py", "models/net a.py", "/usr/lib/torch.py")) | TEXT,
    line=st.none() | st.integers(-1, 10**6),
)
LOCATIONS = st.lists(LOCATION, max_size=3).map(tuple)
SETTINGS = st.builds(Settings, lr=NUMBER, warmup_steps=st.integers(0, 9), clip_norm=st.none() | NUMBER, edits=NAMES)
CODE = st.dictionaries(st.sampled_from(("pytorch", "lightning")), TEXT)
FINDING = st.builds(
    Finding,
    rule=RULE,
    severity=SEVERITY,
    title=TEXT,
    detail=TEXT,
    evidence=EVIDENCE,
    plots=NAMES,
    fixes=NAMES,
    locations=LOCATIONS,
)
FIXES = st.builds(
    Fix,
    fix=FIX,
    title=TEXT,
    status=st.sampled_from(("verified", "rejected", "inconclusive", "untested")),
    settings=SETTINGS,
    baseline_loss=st.none() | NUMBER,
    loss=st.none() | NUMBER,
    improvement=st.none() | st.builds(Improvement, mean=NUMBER, low=NUMBER, high=NUMBER),
    code=CODE,
    reason=TEXT,
    price=TEXT,
)
STAGES = st.fixed_dictionaries(
    {},
    optional={
        "sweep_lr": st.fixed_dictionaries({"best_lr": NUMBER | st.none() | TEXT, "edge_lr": NUMBER}),
        "pick_clip": st.fixed_dictionaries({"clip_norm": NUMBER | st.none() | TEXT}),
        "sweep_warmup": st.fixed_dictionaries({"warmup_steps": st.integers(0, 99) | st.none() | TEXT}),
    },
)


def _few(strategy: st.SearchStrategy[One]) -> st.SearchStrategy[tuple[One, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


REPORTS: st.SearchStrategy[Report] = st.builds(
    Report,
    version=TEXT,
    command=TEXT,
    workload=st.builds(WorkloadSummary, name=TEXT, source=TEXT, device=TEXT, fingerprint=TEXT),
    verdict=st.sampled_from(("healthy", "unhealthy", "inconclusive")),
    summary=TEXT,
    findings=_few(FINDING),
    fixes=_few(FIXES),
    recommendation=st.none() | st.builds(Recommendation, settings=SETTINGS, fixes=NAMES, why=TEXT, code=CODE),
    stages=STAGES,
    cost=st.builds(Cost, seconds=NUMBER),
    passed=_few(st.builds(Passed, rule=RULE, text=TEXT)),
    not_assessed=_few(st.builds(NotAssessed, rule=RULE, reason=TEXT)),
    ignored=_few(
        st.builds(Ignored, rule=RULE, reason=TEXT, severity=st.none() | SEVERITY, title=TEXT, locations=LOCATIONS)
    ),
    plots=st.dictionaries(FIX, TEXT, max_size=2),
    baseline=st.none() | st.builds(Baseline, source=TEXT, findings=st.dictionaries(RULE, SEVERITY, max_size=2)),
    provenance=st.none()
    | st.builds(
        Provenance,
        started=TEXT | st.just("2026-11-21T10:00:00+00:00"),
        budget=TEXT,
        python=TEXT,
        torch=TEXT,
        platform=TEXT,
    ),
)
"""Any report that our own code could be given; nothing in it is checked."""
