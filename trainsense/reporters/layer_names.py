"""What a layer is called in tables and charts, and which findings name it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainsense.records.finding import SEVERITIES, Finding


@dataclass(frozen=True, kw_only=True)
class LayerName:
    """A weight and the module that holds it.

    Args:
        parameter: the parameter's first name, `layers.3.linear1.weight`.
        module: path of the module that holds it, empty for the model itself.
    """

    parameter: str
    module: str


def shown_names(layers: Sequence[LayerName]) -> list[str]:
    """Return what each layer is called: its module, or its parameter where the module holds several or is the model.

    >>> shown_names([LayerName(parameter="fc.weight", module="fc"), LayerName(parameter="scale", module="")])
    ['fc', 'scale']
    """
    weights = Counter(layer.module for layer in layers)
    return [layer.module if layer.module and weights[layer.module] == 1 else layer.parameter for layer in layers]


def findings_by_layer(findings: Iterable[Finding], layers: Sequence[LayerName]) -> dict[int, list[Finding]]:
    """Return the findings that name a layer, by its index in `layers`.

    A finding names it by its module, by its parameter, or by a module that contains it and is no layer itself.

    Returns:
        Indices in the order of severity and of the findings' locations, the most telling first; the worst finding first
        within each.
    """
    named: dict[int, list[Finding]] = {}
    for finding in sorted(findings, key=lambda one: SEVERITIES.index(one.severity)):
        for location in finding.locations:
            for index in _at(location.module, layers):
                told = named.setdefault(index, [])
                if finding not in told:
                    told.append(finding)
    return named


def _at(path: str, layers: Sequence[LayerName]) -> list[int]:
    if not path:
        return []
    exact = [index for index, layer in enumerate(layers) if path in (layer.module, layer.parameter)]
    return exact or [index for index, layer in enumerate(layers) if layer.parameter.startswith(f"{path}.")]
