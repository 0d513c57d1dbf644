"""`LiveLoss`: a loss that has been computed and not yet differentiated, with its graph and what autograd keeps of it."""

import re
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from trainsense.batches import is_plain
from trainsense.probes.structure.graph import Graph
from trainsense.probes.structure.users_files import innermost

_FRAME: Final = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


@dataclass(frozen=True, kw_only=True)
class LiveLoss:
    """A loss, not yet differentiated.

    Attributes:
        model: the copy of the model that computed it; `loss.backward()` leaves gradients in its parameters.
        loss: the scalar.
        graph: what it was computed from.
        nodes: for each operation of `graph.ops`, autograd's node (the parts of a split share theirs).
    """

    model: nn.Module
    loss: Tensor
    graph: Graph
    nodes: tuple[Any, ...]

    def saved(self, index: int, name: str) -> Tensor | None:
        """Return a tensor that autograd keeps for an operation's backward pass, None where it keeps no ordinary one.

        Of activations that is their `result` or `self`, of layers the data they read (`mat1` of Addmm, `self` of Mm and
        Bmm, `input` of Convolution), of losses `self` (predictions) and `target`. It may be read until the loss is
        differentiated, unless the user's code has written into it since.

        Args:
            index: position in `graph.ops`.
            name: as torch calls it, without `_saved_`.
        """
        try:
            value = getattr(self.nodes[index], f"_saved_{name}", None)
        except RuntimeError:  # written into since, or freed
            return None
        return value.detach() if isinstance(value, Tensor) and is_plain(value) else None

    def line(self, index: int) -> tuple[str, int] | None:
        """Return file and line of the user's code that an operation was called from; None if that was not noted.

        The innermost frame that is neither torch's nor trainsense's, of a library only where no other is left: for a module
        of torch's, the line that calls it.
        """
        for entry in reversed(self.nodes[index].metadata.get("traceback_", [])):
            found = innermost([(one["file"], int(one["line"])) for one in _FRAME.finditer(entry)])
            if found is not None:
                return found
        return None
