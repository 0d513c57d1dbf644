"""The largest attention logit, against figures computed by hand."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainsense.probes.attention import largest_attention_logit

ROWS = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))


def split(value: Tensor, heads: int = 2) -> Tensor:
    """Return (batch, heads, length, width)."""
    rows, length, width = value.shape
    return value.reshape(rows, length, heads, width // heads).transpose(1, 2)


def by_hand(module: nn.MultiheadAttention, rows: Tensor) -> float:
    """Return the largest absolute logit of self-attention; `rows` is batch first."""
    query, key, _ = functional.linear(rows, module.in_proj_weight, module.in_proj_bias).chunk(3, dim=-1)
    logits = split(query) @ split(key).transpose(-2, -1) / math.sqrt(4)
    return float(logits.detach().abs().max())


def attention(**options: Any) -> nn.MultiheadAttention:
    """Return a module with biases that matter."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(8, 2, **options)
    if module.in_proj_bias is not None:
        nn.init.normal_(module.in_proj_bias)
    return module


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_multihead_attention(*, batch_first: bool, need_weights: bool, training: bool) -> None:
    """In every way of calling it."""
    module = attention(batch_first=batch_first).train(training)
    rows = ROWS if batch_first else ROWS.transpose(0, 1)
    with torch.no_grad():
        found = largest_attention_logit(module, lambda: module(rows, rows, rows, need_weights=need_weights))
        by_name = largest_attention_logit(module, lambda: module(query=rows, key=rows, value=rows))
    assert found == pytest.approx(by_hand(module, ROWS), rel=1e-5)
    assert by_name == pytest.approx(by_hand(module, ROWS), rel=1e-5)
    assert not module._forward_pre_hooks


@pytest.mark.parametrize("bias", [True, False])
def test_rows_without_a_batch(*, bias: bool) -> None:
    """A single sequence."""
    module = attention(bias=bias).eval()
    with torch.no_grad():
        found = largest_attention_logit(module, lambda: module(ROWS[0], ROWS[0], ROWS[0]))
    assert found == pytest.approx(by_hand(module, ROWS[:1]), rel=1e-5)


def test_keys_of_another_width() -> None:
    """Separate projections are none of its business, but must not break the user's forward pass."""
    module = attention(kdim=3, vdim=3, batch_first=True)
    other = torch.randn(2, 6, 3)
    assert largest_attention_logit(module, lambda: module(ROWS, other, other)) is None


@pytest.mark.parametrize("training", [True, False])
def test_an_encoder_layer(*, training: bool) -> None:
    """Also where torch would take its fused path."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0).train(training)
    with torch.no_grad():
        found = largest_attention_logit(layer, lambda: layer(ROWS))
        assert found == pytest.approx(by_hand(layer.self_attn, ROWS), rel=1e-5)


def test_scaled_dot_product_attention() -> None:
    """By position, by name, with a scale, causal and masked: what may not be looked at does not count."""
    query, key = split(ROWS), split(ROWS.flip(1))
    logits = query @ key.transpose(-2, -1) / 2
    allowed = torch.ones(5, 5, dtype=torch.bool).tril()
    fused = functional.scaled_dot_product_attention
    calls = [
        (lambda: fused(query, key, key), logits),
        (lambda: fused(query=query, key=key, value=key), logits),
        (lambda: fused(query, key, key, scale=3.0), logits * 2 * 3.0),
        (lambda: fused(query, key, key, is_causal=True), logits.where(allowed, 0)),
        (lambda: fused(query, key, key, attn_mask=allowed), logits.where(allowed, 0)),
        (lambda: fused(query, key, key, torch.zeros(5, 5).masked_fill(~allowed, -math.inf)), logits.where(allowed, 0)),
    ]
    for call, expected in calls:
        found = largest_attention_logit(nn.Identity(), call)
        assert found == pytest.approx(float(expected.abs().max()), rel=1e-5)


def test_grouped_queries() -> None:
    """Fewer key heads than query heads."""
    query, key = split(ROWS, 4), split(ROWS[..., :4])
    found = largest_attention_logit(
        nn.Identity(), lambda: functional.scaled_dot_product_attention(query, key, key, enable_gqa=True)
    )
    expected = query @ key.repeat_interleave(2, dim=1).transpose(-2, -1) / math.sqrt(2)
    assert found == pytest.approx(float(expected.abs().max()), rel=1e-5)


@pytest.mark.parametrize("masked", [-math.inf, -1e9, torch.finfo(torch.float32).min])
def test_hand_written_attention(masked: float) -> None:
    """Softmax over query times key, in every spelling; masked entries do not count."""
    query, key = split(ROWS), split(ROWS.flip(1))
    allowed = torch.ones(5, 5, dtype=torch.bool).tril()
    logits = (query @ key.transpose(-2, -1)).masked_fill(~allowed, masked)
    expected = float(logits.where(allowed, 0).abs().max())
    for call in (
        lambda: logits.softmax(dim=-1),
        lambda: torch.softmax(logits, -1),
        lambda: functional.softmax(logits, dim=3),
        lambda: nn.Softmax(dim=-1)(logits),
        lambda: functional.softmax(logits[0], dim=-1),
    ):
        found = largest_attention_logit(nn.Identity(), call)
        assert found is not None
        assert found <= expected
        assert found > expected / 10


def test_no_attention() -> None:
    """A classifier's softmax is none, and neither is one over the channels of an image."""
    net = nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=-1))
    assert largest_attention_logit(net, lambda: net(ROWS[0])) is None
    assert largest_attention_logit(net, lambda: torch.randn(2, 3, 4, 4).softmax(dim=1)) is None


def test_an_error_inside_passes_and_hooks_go() -> None:
    """The user's error, not ours."""
    module = attention()
    with pytest.raises(RuntimeError):
        largest_attention_logit(module, lambda: module(ROWS[..., :3], ROWS, ROWS))
    assert not module._forward_pre_hooks
