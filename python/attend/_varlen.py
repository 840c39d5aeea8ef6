"""attention_varlen(), attention_varlen_backward() and explain_varlen(): sequences packed without padding."""

from __future__ import annotations

from typing import Any

import numpy

from . import _attend
from ._arrays import SUM_TYPES, borrow, empty_like, integer_array, result
from ._options import ScoreOptions, Unpack, binding_options, gradient_of


class _Call:
    """The operands of one call, borrowed, and its options as the binding takes them."""

    def __init__(self, q: Any, k: Any, v: Any, starts: tuple[Any, Any], options: dict[str, Any]):
        self.source = q
        self.query, self.key, self.value = borrow(q, "query"), borrow(k, "key"), borrow(v, "value")
        for array, name in ((self.query, "query"), (self.key, "key"), (self.value, "value")):
            if len(array.shape) != 3:
                raise ValueError(f"{name} has {len(array.shape)} axes, but must have 3: [tokens, heads, width]")
        self.Dv = self.value.shape[2]
        self.sum_type = "float64" if self.query.dtype == "float64" else "float32"
        self.starts = tuple(
            integer_array(given, name, 1, numpy.int64) for given, name in zip(starts, ("cu_seqlens_q", "cu_seqlens_k"))
        )
        queries, keys = (1, self.query.shape[0]), (1, self.key.shape[0])
        self.options = binding_options(options, self._unequal(), self.sum_type, queries, keys)

    def _unequal(self) -> str | None:
        """A sequence that has other numbers of queries and keys, in words."""
        Tq, Tk = (numpy.diff(s) for s in self.starts)
        unequal = numpy.flatnonzero(Tq != Tk) if len(Tq) == len(Tk) else []  # or refused for that
        if len(unequal) == 0:
            return None
        s = unequal[0]
        return f"sequence {s} has {Tq[s]} queries and {Tk[s]} keys"

    def empty(self, like: _attend.Array, width: int) -> Any:
        return empty_like(self.source, (*like.shape[:2], width), self.query.dtype)

    def results(self, return_lse: bool) -> tuple[Any, Any]:
        tokens, heads, _ = self.query.shape
        lse = empty_like(self.source, (heads, tokens), self.sum_type) if return_lse else None
        return self.empty(self.query, self.Dv), lse

    def run(self, operation: Any, results: tuple[Any, Any]) -> Any:
        out, lse = results
        return operation(
            self.query,
            self.key,
            self.value,
            *self.starts,
            result(out, "output"),
            result(lse, "lse"),
            **self.options,
        )


def attention_varlen(
    q: Any,
    k: Any,
    v: Any,
    cu_seqlens_q: Any,
    cu_seqlens_k: Any,
    *,
    scale: float | None = None,
    causal: bool | str = False,
    window: tuple[int, int] = (-1, -1),
    query_offset: Any = None,
    mask: Any = None,
    bias: Any = None,
    alibi_slopes: Any = None,
    softcap: float = 0.0,
    sinks: Any = None,
    kv_lengths: Any = None,
    dropout: float = 0.0,
    seed: int = 0,
    rope: Any = None,
    rope_layout: str = "half_split",
    query_positions: Any = None,
    key_positions: Any = None,
    return_lse: bool = False,
    threads: int | None = None,
    isa: str | None = None,
) -> Any:
    """attention() of many sequences whose tokens lie one after the other, without padding: each as it would be alone,
    to the bit. No query sees a key of another sequence.

    Args:
      q: [total_q, Hq, D], k: [total_k, Hkv, D], v: [total_k, Hkv, Dv]. float32, bfloat16, float16 or float64; any
        strides with a contiguous last axis.
      cu_seqlens_q, cu_seqlens_k: where each sequence's queries and keys begin, and then the end: integers (int32,
        int64) from 0 to total_q and to total_k, never decreasing, one more than there are sequences.
      query_offset, kv_lengths: one integer a sequence.
      mask, bias: broadcast to [sequences, Hq, longest Tq, longest Tk], of which a sequence has the first rows and
        columns.
      alibi_slopes: [Hq] or [sequences, Hq].
      causal: True only where every sequence has as many queries as keys, or with query_offset.
      rope, rope_layout: as of attention(). query_positions, key_positions: [total_q] and [total_k]; unless given every
        sequence stands on a key axis of its own.
      return_lse: also return log(sum(exp(score))), [Hq, total_q]; attention_varlen_backward() needs it.
      All other options as of attention(). Dropout counts sequences as batch rows.

    Returns:
      out, [total_q, Hq, Dv]; or (out, lse).
    """
    call = _Call(
        q,
        k,
        v,
        (cu_seqlens_q, cu_seqlens_k),
        {
            "scale": scale,
            "causal": causal,
            "window": window,
            "query_offset": query_offset,
            "mask": mask,
            "bias": bias,
            "alibi_slopes": alibi_slopes,
            "softcap": softcap,
            "sinks": sinks,
            "kv_lengths": kv_lengths,
            "dropout": dropout,
            "seed": seed,
            "rope": rope,
            "rope_layout": rope_layout,
            "query_positions": query_positions,
            "key_positions": key_positions,
            "threads": threads,
            "isa": isa,
        },
    )
    results = call.results(return_lse)
    call.run(_attend.attention_varlen, results)
    return results if return_lse else results[0]


def attention_varlen_backward(
    dout: Any,
    q: Any,
    k: Any,
    v: Any,
    out: Any,
    lse: Any,
    cu_seqlens_q: Any,
    cu_seqlens_k: Any,
    *,
    return_dbias: bool = False,
    return_dsinks: bool = False,
    threads: int | None = None,
    **options: Unpack[ScoreOptions],
) -> tuple[Any, ...]:
    """The gradients (dq, dk, dv[, dbias][, dsinks]) of sum(out * dout), of the shapes of q, k, v, bias and sinks.

    `out` and `lse` are what attention_varlen(..., return_lse=True) gave for the same arguments. dbias is 0 past the
    rows and columns of a sequence.
    """
    call = _Call(q, k, v, (cu_seqlens_q, cu_seqlens_k), dict(options))
    arrays = {
        "query_gradient": call.empty(call.query, call.query.shape[2]),
        "key_gradient": call.empty(call.key, call.key.shape[2]),
        "value_gradient": call.empty(call.value, call.Dv),
        "bias_gradient": gradient_of("bias", return_dbias, call),
        "sinks_gradient": gradient_of("sinks", return_dsinks, call),
    }
    _attend.attention_varlen_backward(
        borrow(dout, "output_gradient"),
        call.query,
        call.key,
        call.value,
        borrow(out, "output"),
        borrow(lse, "lse", SUM_TYPES),
        *call.starts,
        *(result(a, name) for name, a in arrays.items()),
        threads=threads,
        **call.options,
    )
    return tuple(a for a in arrays.values() if a is not None)


def explain_varlen(
    q: Any,
    k: Any,
    v: Any,
    cu_seqlens_q: Any,
    cu_seqlens_k: Any,
    *,
    return_lse: bool = False,
    **options: Unpack[ScoreOptions],
) -> str:
    """One line: which kernels attention_varlen() would run for how many of the sequences, on which instruction set, and
    why. Raises what attention_varlen() would raise."""
    call = _Call(q, k, v, (cu_seqlens_q, cu_seqlens_k), dict(options))
    return call.run(_attend.explain_varlen, call.results(return_lse))
