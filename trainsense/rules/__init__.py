"""The judgements: one rule a file, named after the fault. Adding one is a file, a test and a line in `RULES`."""

from trainsense.rules.interface import Rule, rule_of
from trainsense.rules.setup import (
    no_gradient,
    non_finite_data,
    not_deterministic,
    not_optimized,
    over_regularized,
)
from trainsense.rules.layers import (
    bad_init_scale,
    dead_relu,
    exploding_gradient,
    saturated_activation,
    symmetric_init,
    vanishing_gradient,
)
from trainsense.rules.setup import non_finite_data, not_deterministic
    bad_initial_loss,
    broadcast_loss,
    double_softmax,
    labels_mismatch,
    non_finite_data,
    not_deterministic,
    output_range,
    cannot_overfit_batch,
    constant_output,
    example_leak,
    ignores_input,
    inner_softmax,
    input_not_normalized,
    non_finite_data,
    not_deterministic,
)
from trainsense.rules.stability import (
    attention_logits_growing,
    best_lr_at_edge,
    clip_too_aggressive,
    early_instability,
    gradient_outliers,
    input_collapse,
    lr_too_high,
    lr_too_low,
    mid_training_instability,
    non_finite_loss,
    oscillating_loss,
    warmup_too_long,
)

RULES: tuple[Rule, ...] = tuple(
    rule_of(module)
    for module in (
        non_finite_data,
        not_deterministic,
        no_gradient,
        not_optimized,
        over_regularized,
        symmetric_init,
        bad_init_scale,
        dead_relu,
        saturated_activation,
        vanishing_gradient,
        exploding_gradient,
        labels_mismatch,
        broadcast_loss,
        double_softmax,
        output_range,
        bad_initial_loss,
        inner_softmax,
        constant_output,
        input_not_normalized,
        ignores_input,
        example_leak,
        cannot_overfit_batch,
        non_finite_loss,
        input_collapse,
        early_instability,
        mid_training_instability,
        gradient_outliers,
        lr_too_high,
        lr_too_low,
        best_lr_at_edge,
        oscillating_loss,
        clip_too_aggressive,
        warmup_too_long,
        attention_logits_growing,
    )
)
"""All rules, in the order in which findings of equal severity are shown: causes before consequences."""

__all__ = ["RULES", "Rule"]
