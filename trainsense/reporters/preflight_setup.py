"""What preflight saw of inputs, loss, architecture and of one batch learnt by heart, as plain values."""

from typing import Any

from trainsense.records.evidence import Architecture, BatchOverfit, InputScales, LossTerms

Entry = dict[str, Any]


def inputs(scales: InputScales) -> Entry:
    """Return the scale of what each first layer reads."""
    return {
        "batches": scales.batches,
        "entries": [
            {
                "module": one.location.module,
                "features": one.features,
                "rms": one.rms,
                "mean": one.mean,
                "std": one.std,
                "usual_feature_rms": one.usual_rms,
                "largest_feature_rms": max((feature.rms for feature in one.largest), default=None),
            }
            for one in scales.entries
        ],
    }


def loss(terms: LossTerms) -> Entry:
    """Return what the loss is made of, and how far each term begins from an uninformed prediction's."""
    return {
        "initial_loss": terms.loss,
        "warmed_loss": terms.warmed_loss,
        "loss_with_last_layer_zeroed": terms.zeroed_loss,
        "batches": terms.batches,
        "terms": [
            {
                "kind": one.kind,
                "file": one.location.file or None,
                "line": one.location.line,
                "initial": one.value,
                "warmed": one.warmed_value,
                "uninformed": one.uninformed,
                "classes": one.classes,
            }
            for one in terms.terms
        ],
    }


def architecture(seen: Architecture) -> Entry:
    """Return the counts that the rules on the architecture rest on."""
    return {
        "residual_sums": len(seen.sums),
        "post_norm_sums": len(seen.post_norm()),
        "layers_without_residual": len(seen.stack.layers) if seen.stack is not None else None,
        "batch_norms": [
            {"module": one.module, "examples": one.examples, "independent_values": one.independent}
            for one in seen.batch_norms
        ],
    }


def one_batch(overfit: BatchOverfit) -> Entry:
    """Return what learnt one batch, and what was tried."""
    return {
        "examples": overfit.examples,
        "learnt_by": overfit.learnt_by or None,
        "attempts": [
            {
                "optimizer": one.optimizer,
                "lr": one.lr,
                "steps": one.steps,
                "initial_loss": one.initial_loss,
                "loss": one.loss,
            }
            for one in overfit.attempts
        ],
    }
