"""Attention in float64 and plain NumPy, scores stored: what the package is compared with.

Options are those of attend.attention(), but for `keep`: what dropout multiplies each weight with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Rules:
    scale: float | None = None
    causal: str | None = None
    window: tuple[int, int] = (-1, -1)
    query_offset: Any = None
    mask: Any = None
    bias: Any = None
    alibi_slopes: Any = None
    softcap: float = 0.0
    sinks: Any = None
    kv_lengths: Any = None
    keep: Any = 1.0


def distances(rules: Rules, B: int, Tq: int, Tk: int) -> np.ndarray:
    """How far key j is to the right of where query i stands: [B, 1, Tq, Tk]."""
    offset = rules.query_offset
    if offset is None:
        offset = 0 if rules.causal == "upper_left" else Tk - Tq
    offset = np.broadcast_to(offset, (B,))[:, None, None, None]
    return np.arange(Tk)[None, :] - np.arange(Tq)[:, None] - offset


def allowed(rules: Rules, B: int, Hq: int, Tq: int, Tk: int) -> np.ndarray:
    """Which keys a query may see: bool [B, Hq, Tq, Tk]."""
    distance = distances(rules, B, Tq, Tk)
    seen = np.ones((B, Hq, Tq, Tk), dtype=bool)
    left, right = rules.window
    if rules.causal:
        seen &= distance <= 0
    if left >= 0:
        seen &= distance >= -left
    if right >= 0:
        seen &= distance <= right
    if rules.kv_lengths is not None:
        seen &= np.arange(Tk) < np.asarray(rules.kv_lengths)[:, None, None, None]
    if rules.mask is not None:
        seen &= rules.mask
    if rules.bias is not None:
        seen &= ~np.isneginf(rules.bias)
    return seen


def repeated(x: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Keys or values, one a query head; what nobody sees may be anything, so that it takes no part."""
    x = np.where(seen.any((1, 2))[:, None, :, None], x, 0)
    return np.repeat(x.astype(np.float64), seen.shape[1] // x.shape[1], axis=1)


def per_head(numbers: Any) -> np.ndarray:
    """[Hq] or [B, Hq] beside [B, Hq, Tq, Tk]."""
    return np.asarray(numbers, dtype=np.float64)[..., None, None]


@dataclass
class Result:
    out: np.ndarray
    lse: np.ndarray
    weights: np.ndarray
    slope: np.ndarray  # of the softcap
    seen: np.ndarray


def attention(q, k, v, **options) -> Result:
    """Of [B, H, T, D] operands."""
    rules = Rules(**options)
    B, Hq, Tq, D = q.shape
    seen = allowed(rules, B, Hq, Tq, k.shape[2])
    s = q.astype(np.float64) @ repeated(k, seen).swapaxes(2, 3) * (D**-0.5 if rules.scale is None else rules.scale)
    slope = np.ones_like(s)
    if rules.softcap > 0:
        s = np.tanh(s / rules.softcap)
        slope, s = 1 - s**2, rules.softcap * s
    if rules.bias is not None:
        s = s + rules.bias
    if rules.alibi_slopes is not None:
        s = s - per_head(rules.alibi_slopes) * np.abs(distances(rules, B, Tq, k.shape[2]))
    s = np.where(seen, s, -np.inf)
    largest = s.max(-1, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = np.exp(s - largest[..., None]).sum(-1)
    if rules.sinks is not None:
        total = total + np.exp(per_head(rules.sinks)[..., 0] - largest)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + largest
    weights = np.where(seen, np.exp(s - np.where(np.isfinite(lse), lse, 0)[..., None]), 0)
    return Result((weights * rules.keep) @ repeated(v, seen), lse, weights, slope, seen)


@dataclass
class Gradients:
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    bias: np.ndarray  # [B, Hq, Tq, Tk]: to be summed over what was broadcast
    sinks: np.ndarray | None  # [Hq]


def gradients(dout, q, k, v, **options) -> Gradients:
    """Of sum(out * dout)."""
    rules = Rules(**options)
    r = attention(q, k, v, **options)
    B, Hkv, _, D = k.shape
    Hq = q.shape[1]
    dout = dout.astype(np.float64)
    dweights = dout @ repeated(v, r.seen).swapaxes(2, 3) * rules.keep
    mean = (dout * r.out).sum(-1, keepdims=True)
    dbias = r.weights * (dweights - mean)
    ds = dbias * r.slope * (D**-0.5 if rules.scale is None else rules.scale)
    dk, dv = ds.swapaxes(2, 3) @ q.astype(np.float64), (r.weights * rules.keep).swapaxes(2, 3) @ dout
    dk, dv = (g.reshape(B, Hkv, Hq // Hkv, *g.shape[2:]).sum(2) for g in (dk, dv))
    dsinks = None
    if rules.sinks is not None:
        share = np.exp(per_head(rules.sinks)[..., 0] - r.lse)
        dsinks = -(share * mean[..., 0]).sum((0, 2))
    return Gradients(ds @ repeated(k, r.seen), dk, dv, dbias, dsinks)
