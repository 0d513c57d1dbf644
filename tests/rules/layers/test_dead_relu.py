"""Units that give zero for everything."""

import pytest
from torch import nn

from tests.looking import findings, judgements_on
from tests.rules.layers.nets import LABELS, ROWS, adam, he, mlp, workload
from trainsense.records.finding import NotAssessed

RULE = "dead-relu"


def biased(value: float, share: float = 1.0) -> nn.Module:
    """Build a network whose second layer's biases are far off for a share of its units."""
    model = mlp(4, nn.ReLU, he)()
    layer = model[2]
    assert isinstance(layer, nn.Linear)
    layer.bias.data[: int(48 * share)] = value
    return model


def test_all_of_a_layer() -> None:
    """Nothing passes: the loss stays where it is."""
    found = findings(workload(lambda: biased(-50.0)))[RULE]
    assert found.severity == "error"
    assert found.locations[0].module == "2"


def test_most_of_a_layer() -> None:
    """The rest learns."""
    assert findings(workload(lambda: biased(-50.0, 0.8), lr=0.01))[RULE].severity == "warning"


@pytest.mark.parametrize("model", [mlp(10, nn.ReLU, he), mlp(5, nn.ReLU, he, width=8), mlp(12), mlp(4, nn.GELU)])
def test_sound_networks(model: object) -> None:
    """Deep ones, where depth makes examples alike and half of the units may be silent; narrow ones; smooth ones."""
    found = findings(workload(model, optimizer=adam, lr=1e-3)).get(RULE)  # type: ignore[arg-type]
    assert found is None or found.severity == "note"


def test_few_examples_say_nothing() -> None:
    """Batches of four: a unit may be silent on all by chance."""
    small = workload(
        lambda: biased(-3.0, 0.7), data=lambda: [(ROWS[at : at + 4], LABELS[at : at + 4]) for at in range(0, 16, 4)]
    )
    assert isinstance(judgements_on(small)[RULE], NotAssessed)
