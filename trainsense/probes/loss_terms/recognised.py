"""The parts of a loss that are recognised, and what they show."""

from collections.abc import Iterator

from trainsense.probes.loss_terms.classified_readings import read_classified
from trainsense.probes.loss_terms.classifying import classified
from trainsense.probes.loss_terms.compared_readings import read_compared
from trainsense.probes.loss_terms.comparing import compared, differences
from trainsense.probes.loss_terms.ground import Ground
from trainsense.probes.loss_terms.reading import Reading
from trainsense.probes.loss_terms.terms import Classified, Compared


def recognised(ground: Ground) -> Iterator[Compared | Classified]:
    """Yield the comparisons of predictions with targets that a loss is made of, in the order in which they are computed."""
    noted = differences(ground)
    for index in range(len(ground.graph.ops)):
        if ground.in_model(index):
            continue
        found = compared(ground, index, noted) or classified(ground, index)
        if found is not None:
            yield found


def readings(ground: Ground) -> Iterator[Reading]:
    """Yield what each recognised part of a loss shows."""
    for term in recognised(ground):
        found = read_compared(ground.live, term) if isinstance(term, Compared) else read_classified(ground.live, term)
        if found is not None:
            yield found
