"""`Rule`: a judgement on evidence, with its page. Rules run nothing and see no model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType, NoneType
from typing import get_args, get_type_hints

from trainsense.records.evidence import Evidence, Missing
from trainsense.records.finding import Judgement, NotAssessed
from trainsense.records.fix import FIX_NAMES
from trainsense.records.rule_page import RulePage


@dataclass(frozen=True, kw_only=True)
class Rule(RulePage):
    """One rule.

    Args:
        judge: a function whose parameters name the evidence it needs by type; `X | None` where it can do without.
    """

    judge: Callable[..., Judgement]

    def __call__(self, evidence: Iterable[Evidence]) -> Judgement:
        """Judge; `NotAssessed` if a stage that it needs did not run."""
        evidence = tuple(evidence)
        by_type = {type(one): one for one in evidence}
        missing = {one.kind: one for one in evidence if isinstance(one, Missing)}
        hints = get_type_hints(self.judge)
        hints.pop("return", None)
        arguments: dict[str, Evidence | None] = {}
        for parameter, hint in hints.items():
            kinds = get_args(hint) or (hint,)
            found = next((by_type[kind] for kind in kinds if kind in by_type), None)
            if found is None and NoneType not in kinds:
                kind = kinds[0].__name__
                if kind in missing:
                    return NotAssessed(rule=self.name, reason=missing[kind].reason, crashed=missing[kind].crashed)
                return NotAssessed(rule=self.name, reason=f"needs {_WHAT.get(kind, _PREFLIGHT)}")
            arguments[parameter] = found
        return self.judge(**arguments)


_PREFLIGHT = "the look into the model before training, which did not run"
_WHAT = {
    "Setup": "the check of the setup, which did not run",
    "LearningRateSweep": "the learning-rate sweep, which did not run",
    "UserSetting": "the learning rate you train with today: give it as Workload(lr=...) or --lr",
    "InstabilityCheck": "runs above the best learning rate, which did not run",
    "FixesTried": "fixes to be tried, which did not run",
}


def rule_of(module: ModuleType) -> Rule:
    """Make the rule of a module: its name is the file's, its page the docstring, its judgement `judge`."""
    page = (module.__doc__ or "").strip()
    parts = module.__name__.split(".")
    return Rule(
        name=parts[-1].replace("_", "-"),
        family=parts[-2],
        summary=page.splitlines()[0],
        page=page,
        fixes=_fixes_named_in(module),
        judge=module.judge,
    )


def _fixes_named_in(module: ModuleType) -> tuple[str, ...]:
    """Return the fixes that the module's functions name, in their order: what its findings may offer."""
    functions = [value for value in vars(module).values() if isinstance(value, FunctionType)]
    own = [function.__code__ for function in functions if function.__module__ == module.__name__]
    return tuple(dict.fromkeys(name for code in own for name in _texts(code) if name in FIX_NAMES))


def _texts(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield constant
    parts = constant.co_consts if isinstance(constant, CodeType) else constant if isinstance(constant, tuple) else ()
    for part in parts:
        yield from _texts(part)
