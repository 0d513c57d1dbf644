"""The verdict of preflight and the two or three sentences that a person can act on."""

from collections.abc import Sequence

from trainsense.records.evidence import Evidence, Missing, WarmStart
from trainsense.records.finding import SEVERITIES, Finding
from trainsense.records.report import Verdict


def preflight_verdict(findings: Sequence[Finding], evidence: Sequence[Evidence]) -> Verdict:
    """Return `unhealthy` with any error or warning, `healthy` with none and every measurement made, else `inconclusive`."""
    if any(finding.severity in ("error", "warning") for finding in findings):
        return "unhealthy"
    return "inconclusive" if any(isinstance(one, Missing) for one in evidence) else "healthy"


def preflight_summary(
    verdict: Verdict, findings: Sequence[Finding], evidence: Sequence[Evidence], *, stopped: bool
) -> str:
    """Return two or three plain sentences.

    Args:
        verdict: as above.
        findings: what the rules found.
        evidence: of preflight.
        stopped: whether a diagnosis ended here.
    """
    serious = sorted(
        (one for one in findings if one.severity in ("error", "warning")),
        key=lambda one: SEVERITIES.index(one.severity),
    )
    sentences = []
    if serious:
        others = len(serious) - 1
        more = f" ({others} more {'finding' if others == 1 else 'findings'} below)" if others else ""
        sentences.append(f"{serious[0].title}{more}.")
    elif verdict == "healthy":
        sentences.append("Nothing stands against training this: no error, no warning.")
    else:
        missing = [one for one in evidence if isinstance(one, Missing)]
        what = "failed" if any(one.crashed for one in missing) else "were not possible"
        sentences.append(
            f"Inconclusive: {len(missing)} of the looks into this model {what}; see what was not assessed."
        )
    sentences += [_warm_start(one) for one in evidence if isinstance(one, WarmStart)]
    if stopped:
        sentences.append(
            "Nothing was trained beyond that: mend the setup first, or train it as it is with --keep-going."
        )
    return " ".join(sentences)


def _warm_start(warm: WarmStart) -> str:
    lr = f"{'your lr' if warm.users else 'lr'} {warm.lr:.3g}"
    if warm.failed:
        return f"Its first steps at {lr} failed: {warm.failed}."
    constant = "" if warm.constant_loss is None else f" (the best constant prediction: {warm.constant_loss:.4g})"
    return f"In {warm.steps} steps at {lr} its loss went from {warm.initial_loss:.4g} to {warm.loss:.4g}{constant}."
