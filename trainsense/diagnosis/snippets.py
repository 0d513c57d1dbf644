"""Lines to paste for a set of settings."""

from trainsense.records.fix import Settings


def snippets(settings: Settings, baseline: Settings) -> dict[str, str]:
    """Return lines to paste, by framework; only what differs from the baseline, and the lr.

    The PyTorch lines expect `model`, `optimizer` (built with `lr`) and, for a warmup, that the scheduler is stepped once
    after every optimizer step.
    """
    lines = [f"lr = {settings.lr:.6g}"]
    if settings.warmup_steps:
        lines += [
            f"warmup_steps = {settings.warmup_steps}",
            "warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / warmup_steps))",
            "# after every optimizer.step():  warmup.step()",
        ]
    if settings.clip_norm is not None and settings.clip_norm != baseline.clip_norm:
        lines += [
            "# between loss.backward() and optimizer.step():",
            f"torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm={settings.clip_norm:.4g})",
        ]
    return {"pytorch": "\n".join(lines)}
