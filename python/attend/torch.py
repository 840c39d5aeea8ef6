"""PyTorch's scaled_dot_product_attention for CPU tensors, with autograd, on attend's kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._attention import attention, attention_backward

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """torch.nn.functional.scaled_dot_product_attention, with its signature, shapes and broadcasting.

    query [..., Hq, L, E], key [..., H, S, E], value [..., H, S, Ev]; attn_mask broadcasts to [..., Hq, L, S], and True
    means that the query may see the key; is_causal: query i sees key j when j <= i. float32 or float64, on the CPU.

    Where it differs: a query that sees no key gets zeros, and no NaN passes a mask. Tensors whose last axis is not
    contiguous are copied first. Gradients reach query, key and value, once: the backward pass has none of its own.
    """
    if dropout_p != 0.0:
        raise ValueError(f"dropout_p is {dropout_p}, but must be 0: attend has no dropout")
    if attn_mask is not None and attn_mask.dtype != torch.bool:
        raise TypeError(f"attn_mask is {attn_mask.dtype}, but must be torch.bool: attend has no bias")
    if attn_mask is not None and is_causal:
        raise ValueError("attn_mask is given and is_causal is True, but only one of them can be")
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() < 2:
            raise ValueError(f"{name} has {tensor.dim()} axes, but must have at least 2: [..., tokens, width]")
    leading = torch.broadcast_shapes(query.shape[:-3], key.shape[:-3], value.shape[:-3])
    q, k, v = _four_axes(query, key, value, leading, enable_gqa)
    mask = None if attn_mask is None else _mask_of(attn_mask, leading)
    out = _attend(q, k, v, mask, "upper_left" if is_causal else False, scale)
    axes = max(query.dim(), key.dim(), value.dim())
    return out.reshape(*leading, *out.shape[1 if axes > 2 else 2 :])


def _four_axes(
    query: Tensor, key: Tensor, value: Tensor, leading: torch.Size, enable_gqa: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The leading axes as one batch, and heads that fit."""
    q, k, v = (t if t.dim() > 2 else t.unsqueeze(0) for t in (query, key, value))
    if enable_gqa:
        if k.shape[-3] != v.shape[-3] or q.shape[-3] % max(1, k.shape[-3]) != 0:
            raise ValueError(
                f"query has {q.shape[-3]} heads, key {k.shape[-3]} and value {v.shape[-3]}, but key and value must "
                "have as many, of which query has a multiple"
            )
        heads = [q.shape[-3], k.shape[-3], v.shape[-3]]
    else:
        heads = [*torch.broadcast_shapes(q.shape[-3:-2], k.shape[-3:-2], v.shape[-3:-2])] * 3
    q, k, v = (t.expand(*leading, h, *t.shape[-2:]).reshape(-1, h, *t.shape[-2:]) for t, h in zip((q, k, v), heads))
    return _with_rows(q), _with_rows(k), _with_rows(v)


def _with_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 or tensor.shape[-1] <= 1 else tensor.contiguous()


def _mask_of(mask: Tensor, leading: torch.Size) -> Tensor:
    """At most four axes, which attention() broadcasts."""
    if mask.dim() <= 3 or len(leading) == 1:
        return mask
    return mask.expand(*leading, *mask.shape[-3:]).reshape(-1, *mask.shape[-3:])


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: Any, scale: float | None) -> Tensor:
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad):
        return _Attention.apply(q, k, v, mask, causal, scale)
    return attention(q, k, v, mask=mask, causal=causal, scale=scale)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: Any, scale: Any) -> Tensor:
        out, lse = attention(q, k, v, mask=mask, causal=causal, scale=scale, return_lse=True)
        ctx.save_for_backward(q, k, v, out, lse, mask)
        ctx.causal, ctx.scale = causal, scale
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dout: Tensor) -> Any:
        q, k, v, out, lse, mask = ctx.saved_tensors
        gradients = attention_backward(
            _with_rows(dout), q, k, v, out, lse, mask=mask, causal=ctx.causal, scale=ctx.scale
        )
        return *gradients, None, None, None
