"""New forwards for modules of a model: traced, changed, written down, and tried unchanged first."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import nn

from trainsense.probes.structure import Graph
from trainsense.workload.edits.faithful import is_faithful
from trainsense.workload.edits.forward_source import forward_code
from trainsense.workload.edits.interface import Example
from trainsense.workload.edits.own_forward import OwnForward, UntraceableError, own_forward


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """What became of the modules that were to be rewritten.

    Attributes:
        paths: modules with a new forward.
        code: code that sets the new forwards.
        failed: modules that could not be rewritten: path, class, and why, completing "its forward ...".
    """

    paths: tuple[str, ...]
    code: str
    failed: tuple[tuple[str, str, str], ...]

    @property
    def why(self) -> str:
        """Why modules could not be rewritten, as a clause."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path, name, why in self.failed:
            groups[name, why].append(path or "the model itself")
        return "; ".join(
            f"the forward of {name} ({paths[0]}{f' and {len(paths) - 1} more' * (len(paths) > 1)}) {why}"
            for (name, why), paths in groups.items()
        )

    @property
    def by_hand(self) -> str:
        """What is left to do by hand, as a sentence with a space before it; empty if nothing is."""
        return f" Some is left to do by hand: {self.why}." if self.failed else ""


def rewritten(
    model: nn.Module,
    graph: Graph,
    paths: Iterable[str],
    rewrite: Callable[[OwnForward], None],
    example: Example,
) -> Rewritten:
    """Rewrite the own forwards of the modules at `paths`.

    Args:
        model: the model.
        graph: what its loss is computed from.
        paths: the modules.
        rewrite: changes a traced forward in place; raises `UntraceableError` if there is nothing to change.
        example: the loss by which the unchanged traces are checked.
    """
    codes: dict[str, str] = {}
    done: list[OwnForward] = []
    failed: list[tuple[str, str, str]] = []
    for path in paths:
        try:
            own = own_forward(model, path, [call for call in graph.calls if call.path == path])
            codes[path] = forward_code([own])
            rewrite(own)
            done.append(own)
        except UntraceableError as error:
            failed.append((path, type(model.get_submodule(path)).__name__, str(error)))
    if done and not is_faithful(model, "\n".join(codes[own.path] for own in done), example):
        failed.extend((own.path, own.module.__name__, "does more than torch.fx sees of it") for own in done)
        done = []
    return Rewritten(paths=tuple(own.path for own in done), code=forward_code(done), failed=tuple(failed))
