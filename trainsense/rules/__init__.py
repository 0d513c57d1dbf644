"""The judgements: one rule a file, named after the fault. Adding one is a file, a test and a line in `RULES`."""

from trainsense.rules.architecture import (
    missing_normalization,
    missing_residual,
    post_norm_residual,
    residual_not_zero_init,
    small_batch_norm,
)
from trainsense.rules.interface import Rule, rule_of
from trainsense.rules.layers import (
    bad_init_scale,
    dead_relu,
    exploding_gradient,
    saturated_activation,
    symmetric_init,
    vanishing_gradient,
)
from trainsense.rules.setup import (
    bad_initial_loss,
    broadcast_loss,
    cannot_overfit_batch,
    constant_output,
    double_softmax,
    example_leak,
    ignores_input,
    inner_softmax,
    input_not_normalized,
    labels_mismatch,
    no_gradient,
    non_finite_data,
    not_deterministic,
    not_optimized,
    output_range,
    over_regularized,
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
        broadcast_loss,
        labels_mismatch,
        double_softmax,
        inner_softmax,
        constant_output,
        output_range,
        input_not_normalized,
        no_gradient,
        not_optimized,
        ignores_input,
        example_leak,
        over_regularized,
        missing_normalization,
        missing_residual,
        post_norm_residual,
        small_batch_norm,
        symmetric_init,
        bad_init_scale,
        dead_relu,
        saturated_activation,
        vanishing_gradient,
        exploding_gradient,
        bad_initial_loss,
        cannot_overfit_batch,
        residual_not_zero_init,
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
