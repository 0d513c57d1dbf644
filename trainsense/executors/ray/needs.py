"""`Needs`: what one trial takes of a node, and how many trials that leaves room for."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ROUNDING = 1e-9
"""Three times a third of a GPU is a GPU."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one trial takes.

    Args:
        cpus: CPUs, above 0, also less than 1.
        gpus: GPUs, 0 or more; less than 1 shares one, above 1 Ray takes whole numbers only.
    """

    cpus: float = 1.0
    gpus: float = 0.0

    def room(self, nodes: Iterable[Mapping[str, float]]) -> int:
        """Return how many trials the nodes hold at once; a trial lies on one node, and a share of a GPU on one GPU.

        Args:
            nodes: what each has, `{"CPU": 8.0, "GPU": 2.0}`.

        >>> Needs(cpus=2).room([{"CPU": 5.0}, {"CPU": 1.0}, {"CPU": 2.0}])
        3
        >>> Needs(gpus=0.4).room([{"CPU": 8.0, "GPU": 2.0}]), Needs(gpus=1).room([{"CPU": 8.0}])
        (4, 0)
        """
        rooms = (min(self._beside(node.get("CPU", 0.0)), self._on_gpus(node.get("GPU", 0.0))) for node in nodes)
        return sum(int(room) for room in rooms)

    def _beside(self, cpus: float) -> int:
        return math.floor(cpus / self.cpus + ROUNDING)

    def _on_gpus(self, gpus: float) -> float:
        if self.gpus == 0:
            return math.inf
        if self.gpus > 1:
            return math.floor(gpus / self.gpus + ROUNDING)
        return math.floor(gpus) * math.floor(1 / self.gpus + ROUNDING)
