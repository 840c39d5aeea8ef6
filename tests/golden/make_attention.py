"""Writes attention.bin: attention and its gradients by PyTorch in float64.

Run by hand:  python make_attention.py
Cases without softcap, ALiBi and sinks are scaled_dot_product_attention's, with windows and biases as its mask; the
others are the formulas, differentiated by autograd. A case is a header of 23 little-endian int64 (B Hq Hkv Tq Tk D Dv
causal has_mask has_scale window_left window_right has_offset offset has_alibi has_sinks, the bias's four axes or 0, the
width that rope turns or 0, whether it is interleaved, and the rows of its tables), the float64 numbers scale and softcap,
then query, key, value, output_gradient, mask (as 0 or 1, [B, Hq, Tq, Tk]), bias, alibi_slopes [Hq], sinks [Hq], and
rope's cos and sin [rows, width / 2] if there are any, output, and the gradients of query, key, value, bias and sinks:
float32 numbers in the order of their shapes. causal is 0, 1 for upper left, 2 for lower right, 3 for query offset.
"""
import math
import struct
from pathlib import Path

import torch

CASES = [
    dict(sizes=(1, 1, 1, 4, 6, 8, 8)),
    dict(sizes=(2, 2, 2, 5, 9, 7, 5), scale=0.3),
    dict(sizes=(1, 4, 2, 9, 9, 4, 4), causal=1),
    dict(sizes=(2, 2, 1, 3, 11, 8, 6), masked=True),
    dict(sizes=(1, 2, 2, 7, 12, 8, 4), causal=2, window=(4, -1)),
    dict(sizes=(2, 2, 1, 6, 12, 8, 4), window=(3, 2), offset=3),
    dict(sizes=(2, 2, 1, 6, 10, 8, 4), causal=3, offset=2, bias=(1, 2, 6, 10)),
    dict(sizes=(2, 4, 2, 6, 10, 8, 4), bias=(2, 1, 1, 10)),
    dict(sizes=(1, 4, 2, 8, 11, 8, 4), alibi=True, causal=2),
    dict(sizes=(2, 2, 1, 8, 11, 8, 4), softcap=0.8),
    dict(sizes=(2, 2, 1, 8, 11, 8, 4), sinks=True, masked=True),
    dict(sizes=(2, 4, 2, 9, 20, 8, 5), causal=3, offset=6, window=(9, -1), masked=True, bias=(2, 4, 9, 1), alibi=True,
         softcap=1.5, sinks=True, scale=0.4),
    dict(sizes=(1, 2, 1, 7, 9, 8, 4), causal=2, rope=(8, False)),
    dict(sizes=(2, 2, 2, 5, 9, 11, 4), rope=(6, True)),
    dict(sizes=(2, 4, 2, 6, 10, 10, 4), causal=3, offset=4, masked=True, softcap=1.2, rope=(10, True)),
]


def visible(Tq, Tk, causal, window, offset):
    """Which key lies in the causal order and the window of which query, [Tq, Tk]."""
    place = torch.arange(Tq)[:, None] + (0 if causal == 1 else Tk - Tq if offset is None else offset)
    key = torch.arange(Tk)[None, :]
    seen = torch.ones(Tq, Tk, dtype=torch.bool)
    if causal:
        seen &= key <= place
    if window[0] >= 0:
        seen &= key >= place - window[0]
    if window[1] >= 0:
        seen &= key <= place + window[1]
    return seen, (place - key).abs().double()


def turned(x, cos, sin, interleaved):
    """The first features as PyTorch's users turn them: complex numbers, or Hugging Face's rotate_half."""
    width = 2 * cos.shape[-1]
    head, rest = x[..., :width], x[..., width:]
    if interleaved:
        pairs = torch.view_as_complex(head.reshape(*head.shape[:-1], -1, 2).contiguous())
        head = torch.view_as_real(pairs * torch.complex(cos, sin)).flatten(-2)
    else:
        a, b = head.chunk(2, -1)
        head = head * torch.cat([cos, cos], -1) + torch.cat([-b, a], -1) * torch.cat([sin, sin], -1)
    return torch.cat([head, rest], -1)


def by_formula(query, key, value, seen, distance, scale, softcap, bias, slopes, sinks):
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    scores = scale * query @ key.transpose(-1, -2)
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    if bias is not None:
        scores = scores + bias
    if slopes is not None:
        scores = scores - slopes[:, None, None] * distance
    scores = scores.masked_fill(~seen, -math.inf)
    if sinks is not None:
        column = sinks[None, :, None, None].expand(*scores.shape[:3], 1)
        return torch.softmax(torch.cat([scores, column], -1), -1)[..., :-1] @ value
    return torch.softmax(scores, -1) @ value


def case(index, sizes, causal=0, masked=False, scale=None, window=(-1, -1), offset=None, bias=None, alibi=False,
         softcap=0.0, sinks=False, rope=None):
    B, Hq, Hkv, Tq, Tk, D, Dv = sizes
    generator = torch.Generator().manual_seed(index)

    def normal(*shape):
        x = torch.randn(*shape, generator=generator, dtype=torch.float32).double()
        return x.requires_grad_()

    query, key, value = normal(B, Hq, Tq, D), normal(B, Hkv, Tk, D), normal(B, Hkv, Tk, Dv)
    gradient = normal(B, Hq, Tq, Dv).detach()
    band, distance = visible(Tq, Tk, causal, window, offset)
    mask = torch.rand(B, Hq, Tq, Tk, generator=generator) < 0.7 if masked else None
    if masked:
        # PyTorch gives NaN to a query without keys: each sees the first that the band leaves it.
        mask.scatter_(-1, band.int().argmax(-1).expand(B, Hq, Tq)[..., None], True)
    seen = band.expand(B, Hq, Tq, Tk) if mask is None else band & mask
    added = normal(*bias) if bias else None
    slopes = 2.0 ** -torch.arange(1, Hq + 1).double() if alibi else None
    column = normal(Hq) if sinks else None
    places = torch.arange(Tq) + (0 if causal == 1 else Tk - Tq if offset is None else offset)
    table, q, k = [], query, key
    if rope:
        rows = int(max(places[-1] + 1, Tk))
        angles = torch.arange(rows)[:, None] * 50.0 ** (-torch.arange(rope[0] // 2).double() * 2 / rope[0])
        table = [angles.cos().float().double(), angles.sin().float().double()]
        q = turned(query, *(t[places] for t in table), rope[1])
        k = turned(key, *(t[:Tk] for t in table), rope[1])
    if softcap or alibi or sinks:
        cap = struct.unpack("<f", struct.pack("<f", softcap))[0]
        factor = struct.unpack("<f", struct.pack("<f", scale))[0] if scale else 1 / math.sqrt(D)
        output = by_formula(q, k, value, seen, distance, factor, cap, added, slopes, column)
    else:
        attn_mask = seen if added is None else torch.where(seen, added, -math.inf)
        plain = causal == 1 and not masked and bias is None
        output = torch.nn.functional.scaled_dot_product_attention(
            q, k, value, attn_mask=None if plain else attn_mask, is_causal=plain, scale=scale, enable_gqa=Hq != Hkv)
    output.backward(gradient)
    options = [mask, added, slopes, column, *table]
    tensors = [query, key, value, gradient] + [t for t in options if t is not None]
    tensors += [output] + [t.grad for t in (query, key, value, added, column) if t is not None]
    header = struct.pack("<23q", *sizes, causal, int(masked), int(scale is not None), *window, int(offset is not None),
                         offset or 0, int(alibi), int(sinks), *(bias or (0, 0, 0, 0)),
                         *((*map(int, rope), rows) if rope else (0, 0, 0)))
    return header + struct.pack("<2d", scale or 0.0, softcap) + b"".join(
        t.detach().float().contiguous().numpy().astype("<f4").tobytes() for t in tensors)


Path(__file__).with_name("attention.bin").write_bytes(
    b"".join(case(i, **parameters) for i, parameters in enumerate(CASES)))
