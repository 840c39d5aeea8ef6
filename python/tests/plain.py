"""Attention in float64 and plain NumPy, scores stored: what the package is compared with."""

from __future__ import annotations

import numpy as np


def allowed(
    B: int, Hq: int, Tq: int, Tk: int, causal: str | None = None, kv_lengths=None, mask=None
) -> np.ndarray:
    """Which keys a query may see: bool [B, Hq, Tq, Tk]."""
    i, j = np.arange(Tq)[:, None], np.arange(Tk)[None, :]
    seen = np.ones((B, Hq, Tq, Tk), dtype=bool)
    if causal is not None:
        seen &= j <= i + (Tk - Tq if causal == "lower_right" else 0)
    if kv_lengths is not None:
        seen &= (j < np.asarray(kv_lengths)[:, None, None])[:, None]
    if mask is not None:
        seen &= mask
    return seen


def repeated(x: np.ndarray, Hq: int) -> np.ndarray:
    return np.repeat(x.astype(np.float64), Hq // x.shape[1], axis=1)


def cleaned(x: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What nobody sees may be anything, so that it takes no part."""
    return np.where(seen.any((1, 2))[:, None, :, None], x, 0)


def attention(q, k, v, scale=None, **who) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """out, lse and weights of [B, H, T, D] operands."""
    B, Hq, Tq, D = q.shape
    seen = allowed(B, Hq, Tq, k.shape[2], **who)
    scale = D**-0.5 if scale is None else scale
    k, v = cleaned(k, seen), cleaned(v, seen)
    s = np.where(seen, scale * q.astype(np.float64) @ repeated(k, Hq).swapaxes(2, 3), -np.inf)
    with np.errstate(divide="ignore"):
        lse = np.log(np.exp(s).sum(-1))
    weights = np.where(seen, np.exp(s - np.where(np.isfinite(lse), lse, 0)[..., None]), 0)
    return weights @ repeated(v, Hq), lse, weights


def gradients(dout, q, k, v, scale=None, **who) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dq, dk, dv of sum(out * dout)."""
    B, Hq, _, D = q.shape
    Hkv = k.shape[1]
    scale = D**-0.5 if scale is None else scale
    out, _, p = attention(q, k, v, scale, **who)
    seen = allowed(B, Hq, q.shape[2], k.shape[2], **who)
    k, v = cleaned(k, seen), cleaned(v, seen)
    dout = dout.astype(np.float64)
    dp = dout @ repeated(v, Hq).swapaxes(2, 3)
    ds = scale * p * (dp - (dout * out).sum(-1, keepdims=True))
    dq = ds @ repeated(k, Hq)
    dk, dv = ds.swapaxes(2, 3) @ q.astype(np.float64), p.swapaxes(2, 3) @ dout
    return dq, *(g.reshape(B, Hkv, Hq // Hkv, *g.shape[2:]).sum(2) for g in (dk, dv))
