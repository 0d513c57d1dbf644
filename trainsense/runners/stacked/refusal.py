"""`UnstackableError`: why trials cannot be trained as one stack."""

from typing import Final

from trainsense.workload.user_traceback import described

IN_WORDS: Final = (
    (
        "calling .item() on a Tensor",
        "the model or the loss asks for the value of a tensor (.item(), float(), if, assert)",
    ),
    ("Cannot access data pointer", "the model or the loss asks for the values of a tensor (.numpy(), .tolist())"),
    ("support dynamic shape", "the model or the loss indexes with a boolean mask, or by what is not zero"),
    ("may have escaped from inside", "the model keeps tensors from one step to the next"),
    ("support saved tensor hooks", "activations are checkpointed, or kept elsewhere"),
    ("use_reentrant=True", "activations are checkpointed"),
    ("autograd.Function with functorch", "an autograd.Function has no setup_context"),
    ("generate_vmap_rule", "an autograd.Function has no rule for a map"),
    ("vmap: inplace arithmetic", "the model writes the values of one trial into a tensor that all of them share"),
    ("Batching rule not implemented for", "torch cannot map one of the operations"),
    ("do not yet support", "torch cannot map one of the operations"),
)
"""Parts of what torch says, and what it means."""


class UnstackableError(Exception):
    """Trials cannot be stacked, or no further; the text can follow "cannot be stacked: ".

    It never leaves the engine, which trains the trials one after another instead.
    """


def reason_of(error: BaseException) -> str:
    """Return in words why a stack failed.

    >>> reason_of(RuntimeError("vmap: It looks like you're either (1) calling .item() on a Tensor or …"))
    'the model or the loss asks for the value of a tensor (.item(), float(), if, assert)'
    >>> reason_of(UnstackableError("its gradients are sparse"))
    'its gradients are sparse'
    """
    if isinstance(error, UnstackableError):
        return str(error)
    cause = error.__cause__ or error
    return next((words for part, words in IN_WORDS if part in str(cause)), described(cause))
