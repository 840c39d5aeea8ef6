"""Writes attention.bin: attention and its gradients by PyTorch's scaled_dot_product_attention, in float64.

Run by hand:  python make_attention.py
A case is a header of 12 little-endian int64 (B Hq Hkv Tq Tk D Dv causal has_mask has_scale 0 0), a float64 scale, then
query, key, value, output_gradient, mask (as 0 or 1, [B, Hq, Tq, Tk], if has_mask), output, query_gradient,
key_gradient and value_gradient: float32 numbers in the order of their shapes. causal is 0, or 1 for upper left.
"""
import struct
from pathlib import Path

import torch

CASES = [  # B Hq Hkv Tq Tk D Dv causal mask scale
    (1, 1, 1, 4, 6, 8, 8, 0, False, None),
    (2, 2, 2, 5, 9, 7, 5, 0, False, 0.3),
    (1, 4, 2, 9, 9, 4, 4, 1, False, None),
    (2, 2, 1, 3, 11, 8, 6, 0, True, None),
]


def case(index, B, Hq, Hkv, Tq, Tk, D, Dv, causal, masked, scale):
    generator = torch.Generator().manual_seed(index)

    def normal(*shape):
        x = torch.randn(*shape, generator=generator, dtype=torch.float32).double()
        return x.requires_grad_()

    query, key, value = normal(B, Hq, Tq, D), normal(B, Hkv, Tk, D), normal(B, Hkv, Tk, Dv)
    gradient = normal(B, Hq, Tq, Dv).detach()
    mask = torch.rand(B, Hq, Tq, Tk, generator=generator) < 0.7 if masked else None
    if masked:
        mask[..., 0] = True  # PyTorch gives NaN to a query without keys
    output = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=bool(causal), scale=scale, enable_gqa=Hq != Hkv)
    output.backward(gradient)
    tensors = [query, key, value, gradient] + ([mask] if masked else [])
    tensors += [output, query.grad, key.grad, value.grad]
    header = struct.pack("<12q", B, Hq, Hkv, Tq, Tk, D, Dv, causal, int(masked), int(scale is not None), 0, 0)
    return header + struct.pack("<d", scale or 0.0) + b"".join(
        t.detach().float().contiguous().numpy().astype("<f4").tobytes() for t in tensors)


Path(__file__).with_name("attention.bin").write_bytes(
    b"".join(case(i, *parameters) for i, parameters in enumerate(CASES)))
