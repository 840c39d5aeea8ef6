"""attention(), attention_backward() and explain()."""

from __future__ import annotations

from typing import Any

from . import _attend
from ._arrays import borrow, empty_like, heads_of, in_layout, integers
from ._attend import Array


class _Call:
    """The operands of one call, borrowed, and its options as the binding takes them."""

    def __init__(self, q: Any, k: Any, v: Any, layout: str, causal: Any, kv_lengths: Any, **options: Any):
        self.source = q
        self.layout = layout
        self.query, self.key, self.value = borrow(q, "query"), borrow(k, "key"), borrow(v, "value")
        self.B, self.Hq, self.Tq, self.D = heads_of(self.query, "query", layout)
        _, self.Hkv, self.Tk, _ = heads_of(self.key, "key", layout)
        self.Dv = heads_of(self.value, "value", layout)[3]
        self.options = {
            "layout": layout,
            "causal": self._alignment(causal),
            "kv_lengths": integers(kv_lengths, "kv_lengths"),
            **options,
        }

    def _alignment(self, causal: Any) -> str | None:
        if isinstance(causal, str):
            return causal
        if not isinstance(causal, bool):
            raise TypeError(f"causal is {type(causal).__name__}, but must be a bool or a string")
        if causal and self.Tq != self.Tk:
            raise ValueError(
                f"causal is True, but query axis Tq is {self.Tq} and key axis Tk is {self.Tk}: say where the diagonal "
                f'starts, "upper_left" (query i sees key j when j <= i) or "lower_right" (j <= i + {self.Tk - self.Tq})'
            )
        return "upper_left" if causal else None

    def empty(self, heads: int, tokens: int, width: int) -> Any:
        return empty_like(self.source, in_layout(self.B, heads, tokens, width, self.layout), self.query.dtype)

    def empty_rows(self, *last: int) -> Any:
        return empty_like(self.source, (self.B, self.Hq, self.Tq, *last), self.query.dtype)


def _result(array: Any, name: str) -> Array | None:
    return None if array is None else Array(array, name, writable=True)


def attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    layout: str = "bhtd",
    scale: float | None = None,
    causal: bool | str = False,
    kv_lengths: Any = None,
    mask: Any = None,
    return_lse: bool = False,
    return_weights: bool = False,
    threads: int | None = None,
    isa: str | None = None,
) -> Any:
    """softmax(scale * q k^T) v, computed tile by tile; the scores are never stored.

    Args:
      q: [B, Hq, Tq, D], k: [B, Hkv, Tk, D], v: [B, Hkv, Tk, Dv]; tokens before heads with `layout` "bthd". float32, or
        float64 (plain loops, for checking). NumPy arrays, PyTorch tensors, or anything with DLPack, read in place; any
        strides with a contiguous last axis.
      scale: multiplies every score; 1 / sqrt(D) unless given.
      causal: "upper_left" (query i sees key j when j <= i), "lower_right" (j <= i + Tk - Tq), or True, which is either
        where Tq == Tk and an error elsewhere.
      kv_lengths: B integers in [0, Tk]: how many keys of each batch row exist. Nothing past them is read.
      mask: bool, broadcast to [B, Hq, Tq, Tk] whatever the layout; True: the query may see the key.
      return_lse: also return log(sum(exp(score))), [B, Hq, Tq]; attention_backward() needs it.
      return_weights: also return the weights, [B, Hq, Tq, Tk].
      threads: 1..1024; all that OpenMP offers unless given. The result does not depend on it.
      isa: one of isas(), to pin the instruction set.

    Returns:
      out, of q's shape with width Dv; (out, lse); (out, weights); or (out, lse, weights). PyTorch tensors where q is
      one, NumPy arrays otherwise. lse and weights have the type of q.
    """
    call = _Call(q, k, v, layout, causal, scale=scale, kv_lengths=kv_lengths, mask=mask, isa=isa, threads=threads)
    out = call.empty(call.Hq, call.Tq, call.Dv)
    lse = call.empty_rows() if return_lse else None
    weights = call.empty_rows(call.Tk) if return_weights else None
    _attend.attention(
        call.query,
        call.key,
        call.value,
        _result(out, "output"),
        _result(lse, "lse"),
        _result(weights, "weights"),
        **call.options,
    )
    results = tuple(r for r in (out, lse, weights) if r is not None)
    return results if len(results) > 1 else out


def attention_backward(
    dout: Any,
    q: Any,
    k: Any,
    v: Any,
    out: Any,
    lse: Any,
    *,
    layout: str = "bhtd",
    scale: float | None = None,
    causal: bool | str = False,
    kv_lengths: Any = None,
    mask: Any = None,
    threads: int | None = None,
    isa: str | None = None,
) -> tuple[Any, Any, Any]:
    """The gradients (dq, dk, dv) of sum(out * dout).

    `out` and `lse` are what attention(..., return_lse=True) gave for the same q, k, v and options. Deterministic: sums
    have a fixed order.
    """
    call = _Call(q, k, v, layout, causal, scale=scale, kv_lengths=kv_lengths, mask=mask, isa=isa, threads=threads)
    dq = call.empty(call.Hq, call.Tq, call.D)
    dk = call.empty(call.Hkv, call.Tk, call.D)
    dv = call.empty(call.Hkv, call.Tk, call.Dv)
    _attend.attention_backward(
        borrow(dout, "output_gradient"),
        call.query,
        call.key,
        call.value,
        borrow(out, "output"),
        borrow(lse, "lse"),
        _result(dq, "query_gradient"),
        _result(dk, "key_gradient"),
        _result(dv, "value_gradient"),
        **call.options,
    )
    return dq, dk, dv


def explain(
    q: Any,
    k: Any,
    v: Any,
    *,
    layout: str = "bhtd",
    scale: float | None = None,
    causal: bool | str = False,
    kv_lengths: Any = None,
    mask: Any = None,
    return_lse: bool = False,
    return_weights: bool = False,
    isa: str | None = None,
) -> str:
    """One line: which kernel attention() would run for these arguments, on which instruction set, with which tiles, and
    why. Raises what attention() would raise."""
    call = _Call(q, k, v, layout, causal, scale=scale, kv_lengths=kv_lengths, mask=mask, isa=isa)
    return _attend.explain(
        call.query,
        call.key,
        call.value,
        _result(call.empty(call.Hq, call.Tq, call.Dv), "output"),
        _result(call.empty_rows() if return_lse else None, "lse"),
        _result(call.empty_rows(call.Tk) if return_weights else None, "weights"),
        **call.options,
    )
