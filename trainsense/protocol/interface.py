"""`Stage`: an experiment with the evidence that it needs, by type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import get_args, get_type_hints

from trainsense.lab import Lab
from trainsense.records.evidence import Evidence
from trainsense.records.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage.

    Args:
        title: what it does, for people.
        run: `(lab, plan, evidence...) -> evidence or None`; it names the evidence it needs by the types of its
            parameters, `X | None` where it can do without.
    """

    title: str
    run: Callable[..., Evidence | None]

    def __call__(self, lab: Lab, plan: Plan, evidence: Mapping[type, Evidence]) -> Evidence | None:
        """Run the stage; None where evidence that it needs is missing, or nothing could be run."""
        arguments: dict[str, Evidence | None] = {}
        hints = get_type_hints(self.run)
        for parameter, hint in hints.items():
            if parameter in ("lab", "plan", "return"):
                continue
            kinds = get_args(hint) or (hint,)
            found = next((evidence[kind] for kind in kinds if kind in evidence), None)
            if found is None and NoneType not in kinds:
                return None
            arguments[parameter] = found
        return self.run(lab, plan, **arguments)
