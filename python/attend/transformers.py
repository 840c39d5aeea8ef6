"""Models of Hugging Face on attend's kernels:

    attend.transformers.register()
    model = AutoModel.from_pretrained(..., attn_implementation="attend")
"""

from __future__ import annotations

from typing import Any

try:
    import torch
    from torch import Tensor, nn
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask
except ImportError as _error:
    raise ImportError(
        "attend.transformers needs PyTorch and transformers from version 5 on: install them with "
        f'pip install ".[transformers]" ({_error})',
        name=_error.name,
    ) from None

from .torch import attention_of

__all__ = ["register"]


def register() -> None:
    """Makes attn_implementation="attend" known to transformers. Masks are made as for "sdpa"."""
    AttentionInterface.register("attend", attention_forward)
    AttentionMaskInterface.register("attend", sdpa_mask)


def attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    position_bias: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """What a model calls: query [B, Hq, Tq, D], key and value [B, Hkv, Tk, D]; gives [B, Tq, Hq, D].

    s_aux are sinks. `others` are what the mask tells already (sliding windows, positions) or no numbers depend on;
    a head_mask, which changes them, is an error."""
    if others.get("head_mask") is not None:
        raise ValueError('the model asks for head_mask, which attn_implementation="attend" does not have')
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    # A single query is the newest token, which sees all others; a mask, where there is one, says it all.
    is_causal = is_causal and attention_mask is None and query.shape[2] > 1
    options = {} if s_aux is None else {"sinks": s_aux.to(torch.promote_types(query.dtype, torch.float32))}
    out = attention_of(
        query,
        key,
        value,
        attention_mask,
        dropout,
        is_causal,
        scaling,
        enable_gqa=query.shape[1] != key.shape[1],
        bias=position_bias,
        softcap=softcap or 0.0,
        **options,
    )
    return out.transpose(1, 2).contiguous(), None
