"""All labelled workloads."""

from typing import Final

from tests.labelled import (
    faulty_architectures,
    faulty_data,
    faulty_examples,
    faulty_gradients,
    faulty_layers,
    faulty_losses,
    faulty_outputs,
    faulty_ranges,
    faulty_starts,
    sound_frozen,
    sound_images,
    sound_layers,
    sound_losses,
    sound_mechanics,
    sound_sequences,
    sound_tables,
    sound_transformers,
)
from tests.labelled.case import Case

CASES: Final[tuple[Case, ...]] = (
    *faulty_gradients.CASES,
    *faulty_data.CASES,
    *faulty_outputs.CASES,
    *faulty_ranges.CASES,
    *faulty_losses.CASES,
    *faulty_examples.CASES,
    *faulty_layers.CASES,
    *faulty_starts.CASES,
    *faulty_architectures.CASES,
    *sound_layers.CASES,
    *sound_frozen.CASES,
    *sound_tables.CASES,
    *sound_losses.CASES,
    *sound_images.CASES,
    *sound_transformers.CASES,
    *sound_sequences.CASES,
    *sound_mechanics.CASES,
)
"""Faulty ones first."""
