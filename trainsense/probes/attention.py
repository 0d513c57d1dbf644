"""The largest attention logit of a forward pass (PROTOCOL 9; Wortsman et al. 2023)."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_SOFTMAXES = (torch.softmax, functional.softmax, Tensor.softmax)


class _Watch(TorchFunctionMode):
    """Sees fused attention and hand-written softmax attention as they are called."""

    def __init__(self) -> None:
        super().__init__()
        self.logits: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            self.see(_fused_logits(*args, **kwargs))
        elif func in _SOFTMAXES and args and _looks_like_attention(args[0], *args[1:2], **kwargs):
            self.see(args[0])
        return func(*args, **kwargs)

    def see(self, logits: Tensor) -> None:
        """Keep the largest finite absolute value; masked entries are infinite or huge and are left out."""
        magnitude = logits.detach().abs()
        allowed = magnitude < torch.finfo(magnitude.dtype).max / 2
        self.logits.append(torch.where(allowed & (magnitude < 1e8), magnitude, 0.0).amax())


def _fused_logits(
    query: Tensor,
    key: Tensor,
    value: Tensor,  # noqa: ARG001 - the signature of scaled_dot_product_attention
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001
    is_causal: bool = False,  # noqa: FBT001, FBT002
    scale: float | None = None,
    enable_gqa: bool = False,  # noqa: FBT001, FBT002
) -> Tensor:
    """Compute what fused attention never shows; masked entries are `-inf`."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
    logits = query @ key.transpose(-2, -1) * (1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
    if attn_mask is None:
        return logits
    return logits.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else logits + attn_mask


def _looks_like_attention(value: object, dim: int | None = None, **_: object) -> bool:
    """Square (or causal-cache) score matrices per head: rank 4, or rank 3 with equal last dimensions; over the last."""
    if not isinstance(value, Tensor) or not value.is_floating_point() or dim not in (None, -1, value.dim() - 1):
        return False
    return value.dim() == 4 or (value.dim() == 3 and value.shape[-1] == value.shape[-2])


@contextmanager
def _module_attention_seen(model: nn.Module, watch: _Watch) -> Iterator[None]:
    """`nn.MultiheadAttention` calls its attention out of a mode's sight: compute its logits from its inputs."""

    def look(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        attention = cast("nn.MultiheadAttention", module)
        query = args[0] if args else kwargs.get("query")
        key = args[1] if len(args) > 1 else kwargs.get("key")
        if attention.in_proj_weight is None or not isinstance(query, Tensor) or not isinstance(key, Tensor):
            return
        size, heads = attention.embed_dim, attention.num_heads
        bias = attention.in_proj_bias
        projected = [
            functional.linear(
                value,
                attention.in_proj_weight[start : start + size],
                None if bias is None else bias[start : start + size],
            )
            for value, start in ((query, 0), (key, size))
        ]
        if not attention.batch_first:
            projected = [value.transpose(0, -2) for value in projected]
        split = [value.unflatten(-1, (heads, size // heads)).transpose(-3, -2) for value in projected]
        watch.see(split[0] @ split[1].transpose(-2, -1) / math.sqrt(size // heads))

    modules = [module for module in model.modules() if isinstance(module, nn.MultiheadAttention)]
    handles = [module.register_forward_pre_hook(look, with_kwargs=True) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def largest_attention_logit(model: nn.Module, forward: Callable[[], object]) -> float | None:
    """Run `forward` and return the largest absolute attention logit in it, None if no attention was seen.

    Sees `scaled_dot_product_attention`, `nn.MultiheadAttention` and softmax over rank-4 (or square rank-3) scores.
    """
    watch = _Watch()
    with _module_attention_seen(model, watch), watch:
        forward()
    return max((float(value) for value in watch.logits), default=None)
