"""`normalize-inputs`: each input feature with mean 0 and standard deviation 1 (LeCun et al. 1998, section 4.3)."""

from typing import Final

import torch
from torch import Tensor, nn

from trainsense.records.model_edit import EditSurvey
from trainsense.workload.edits.entering import Entering, entering
from trainsense.workload.edits.interface import Change, Example, change, refusal

NAME: Final = "normalize-inputs"
ADVICE: Final = (
    "Standardise each input feature: subtract its mean over the training set and divide by its standard deviation."
)
NEAR_ZERO: Final = 0.25
"""A mean below this many standard deviations counts as zero (CONTRACT 5)."""
NEAR_ONE: Final = (0.5, 2.0)
"""Standard deviations in between count as one (CONTRACT 5); those of two features then differ by a factor of 4 at most."""
CONSTANT: Final = 1e-6
"""A feature that varies by less than this share of its size is constant: float32 resolves 6e-8."""


def plan(model: nn.Module, example: Example) -> Change | EditSurvey:
    """Work out what enters the model and whether its features need standardising."""
    entry = entering(model, example)
    if isinstance(entry, str):
        return refusal(NAME, entry, ADVICE)
    mean, std = entry.mean_and_std()
    reason = _why_not(mean, std)
    if reason:
        return refusal(NAME, reason, ADVICE)
    given = {"inputs": _two_examples(mean, std, entry)}
    return change(NAME, changes=("",), code=_code(entry), advice=ADVICE, given=given)


def _two_examples(mean: Tensor, std: Tensor, entry: Entering) -> Tensor:
    """Return two examples that have this mean and this standard deviation, in place of all inputs."""
    shape = [1] * entry.tensors[0].dim()
    shape[entry.feature_axis] = -1
    return torch.cat([(mean - std).reshape(shape), (mean + std).reshape(shape)]).to(
        entry.tensors[0].device, torch.float
    )


def _why_not(mean: Tensor, std: Tensor) -> str:
    if not bool((torch.isfinite(mean) & torch.isfinite(std)).all()):
        return "The inputs hold values that are not finite."
    varies = std > CONSTANT * mean.abs()
    if not bool(varies.any()):
        return "The inputs are constant."
    mean, std = mean[varies], std[varies]
    centred = bool((mean.abs() < NEAR_ZERO * std).all())
    scaled = bool(((std > NEAR_ONE[0]) & (std < NEAR_ONE[1])).all())
    if centred and scaled:
        return "The inputs are near mean 0 and standard deviation 1 already."
    return ""


def _code(entry: Entering) -> str:
    axes, key = entry.reduced_axes, entry.argument
    standard = "(x - mean.to(x)) / std.to(x)"
    if isinstance(key, int):
        before = f"*args[:{key}], " if key else ""
        head, back, options = "args", f"({before}{standard}, *args[{key + 1}:])", ""
    else:
        head, back, options = "args, kwargs", f"args, {{**kwargs, {key!r}: {standard}}}", ", with_kwargs=True"
    return (
        "# inputs: the training inputs as one tensor\n"
        f"mean = inputs.float().mean({axes}, keepdim=True)  # of each feature\n"
        f"std = inputs.float().std({axes}, correction=0, keepdim=True)\n"
        "# a constant keeps its scale:\n"
        f"varies = std > {CONSTANT!r} * mean.abs()\n"
        "std = torch.where(varies, std, torch.ones_like(std))\n"
        "\n"
        "\n"
        f"def standardise(module, {head}):\n"
        f"    x = {'kwargs' if isinstance(key, str) else 'args'}[{key!r}]\n"
        f"    return {back}\n"
        "\n"
        "\n"
        f"model.register_forward_pre_hook(standardise{options})\n"
    )
