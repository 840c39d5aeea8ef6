"""Models of Hugging Face on attend's kernels:

    attend.transformers.register()
    model = AutoModel.from_pretrained(..., attn_implementation="attend")
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from .torch import scaled_dot_product_attention

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
    **others: Any,
) -> tuple[Tensor, None]:
    """What a model calls: query [B, Hq, Tq, D], key and value [B, Hkv, Tk, D]; gives [B, Tq, Hq, D].

    Of `others`, what changes the numbers and is not in the mask already is an error."""
    for name in ("softcap", "s_aux", "position_bias", "head_mask"):
        if others.get(name) is not None:
            raise ValueError(f'the model asks for {name}, which attn_implementation="attend" does not have')
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    # A single query is the newest token, which sees all others; a mask, where there is one, says it all.
    is_causal = is_causal and attention_mask is None and query.shape[2] > 1
    out = scaled_dot_product_attention(
        query, key, value, attention_mask, dropout, is_causal, scaling, enable_gqa=query.shape[1] != key.shape[1]
    )
    return out.transpose(1, 2).contiguous(), None
