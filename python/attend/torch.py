"""PyTorch's scaled_dot_product_attention for CPU tensors, with autograd, on attend's kernels."""

from __future__ import annotations

from math import prod
from typing import Any

try:
    import torch
    from torch import Tensor
except ImportError as _error:
    raise ImportError(
        f'attend.torch needs PyTorch: install it with pip install ".[torch]" ({_error})', name=_error.name
    ) from None

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

    query [..., Hq, L, E], key [..., H, S, E], value [..., H, S, Ev]; attn_mask broadcasts to [..., Hq, L, S]: True
    means that the query may see the key, while numbers are added to the scores; is_causal: query i sees key j when
    j <= i. float32, bfloat16, float16 or float64, on the CPU; E and Ev in 1..1024. Dropout is seeded by PyTorch's
    generator.

    Where it differs: a query that sees no key gets zeros, and no NaN passes a mask. Tensors whose last axis is not
    contiguous are copied first. Sums are float32 for 16-bit tensors too, whose outputs and gradients are rounded once.
    Gradients reach query, key, value and attn_mask, once: the backward pass has none of its own.
    """
    if attn_mask is not None and is_causal:
        raise ValueError("attn_mask is given and is_causal is True, but only one of them can be")
    return attention_of(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)


def attention_of(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    bias: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """scaled_dot_product_attention() with a bias beside the mask, and other options of attend.attention()."""
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() < 2:
            raise ValueError(f"{name} has {tensor.dim()} axes, but must have at least 2: [..., tokens, width]")
    leading = torch.broadcast_shapes(query.shape[:-3], key.shape[:-3], value.shape[:-3])
    q, k, v = _four_axes(query, key, value, leading, enable_gqa)
    mask = None
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        mask = _mask_of(attn_mask, leading)
    elif attn_mask is not None:
        bias = attn_mask if bias is None else bias + attn_mask
    if bias is not None:
        bias = _mask_of(bias, leading).to(_sum_type(q))
    options = {"mask": mask, "causal": "upper_left" if is_causal else False, "scale": scale, **options}
    if dropout_p == 1.0:
        options["mask"] = q.new_zeros(1, dtype=torch.bool)  # no key is left
    elif dropout_p != 0.0:
        options |= {"dropout": dropout_p, "seed": int(torch.randint(2**63 - 1, (), device="cpu"))}
    out = _attend(q, k, v, bias, options)
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
    B = prod(leading)
    q, k, v = (t.expand(*leading, h, *t.shape[-2:]).reshape(B, h, *t.shape[-2:]) for t, h in zip((q, k, v), heads))
    return _with_rows(q), _with_rows(k), _with_rows(v)


def _sum_type(tensor: Tensor) -> torch.dtype:
    """What attend keeps sums in."""
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _with_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 or tensor.shape[-1] <= 1 else tensor.contiguous()


def _mask_of(mask: Tensor, leading: torch.Size) -> Tensor:
    """At most four axes, which attention() broadcasts."""
    if mask.dim() <= 3 or len(leading) <= 1:
        return mask
    return mask.expand(*leading, *mask.shape[-3:]).reshape(prod(leading), *mask.shape[-3:])


def _attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, options: dict[str, Any]) -> Tensor:
    differentiable = (q, k, v, bias, options.get("sinks"))
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in differentiable):
        return _Attention.apply(q, k, v, bias, options.get("sinks"), options)
    return attention(q, k, v, bias=bias, **options)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, sinks: Tensor | None, options: dict[str, Any]
    ) -> Tensor:
        out, lse = attention(q, k, v, bias=bias, return_lse=True, **options)
        ctx.save_for_backward(q, k, v, bias, sinks, options["mask"], out, lse)
        ctx.options = {name: o for name, o in options.items() if name not in ("mask", "sinks")}
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dout: Tensor) -> Any:
        q, k, v, bias, sinks, mask, out, lse = ctx.saved_tensors
        asked = ctx.needs_input_grad
        dq, dk, dv, *rest = attention_backward(
            _with_rows(dout), q, k, v, out, lse, bias=bias, mask=mask, sinks=sinks, return_dbias=asked[3],
            return_dsinks=asked[4], **ctx.options
        )
        dbias = rest.pop(0) if asked[3] else None
        return dq, dk, dv, dbias, rest.pop() if asked[4] else None, None
