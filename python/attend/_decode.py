"""attention_decode(), explain_decode() and merge()."""

from __future__ import annotations

from typing import Any, TypedDict

from . import _attend
from ._arrays import (
    CACHE_OPERAND_TYPES,
    SUM_TYPES,
    array_of,
    borrow,
    empty_like,
    heads_of,
    in_layout,
    integers,
    plain_bool,
    result,
)
from ._kv_cache import KVCache, KVPages, borrow_cache
from ._options import Unpack
from ._rope import positions_argument, rope_argument


class DecodeOptions(TypedDict, total=False):
    """What attention_decode() computes, apart from the data; its documentation says what they mean."""

    layout: str
    sequences: Any
    query_counts: Any
    scale: float | None
    causal: bool | str
    window: tuple[int, int]
    alibi_slopes: Any
    softcap: float
    sinks: Any
    rope: Any
    rope_layout: str
    query_positions: Any
    isa: str | None


class _Call:
    """The operands of one call, borrowed, and where its results go."""

    def __init__(self, q: Any, cache: KVCache | KVPages, return_lse: bool, options: dict[str, Any]):
        layout = options.get("layout", "bhtd")
        self.query, self.cache = borrow(q, "query", CACHE_OPERAND_TYPES), borrow_cache(cache)
        B, Hq, Tq, _ = heads_of(self.query, "query", layout)
        self.out = empty_like(q, in_layout(B, Hq, Tq, self.cache.value_width, layout), self.query.dtype)
        self.lse = empty_like(q, (B, Hq, Tq), "float32") if return_lse else None
        self.options = {
            **options,
            "sequences": integers(options.get("sequences"), "sequences"),
            "query_counts": integers(options.get("query_counts"), "query_counts"),
            "causal": _alignment(options.get("causal", "lower_right")),
        }
        for name in ("alibi_slopes", "sinks"):
            if name in options:
                self.options[name] = array_of(options[name], name, "float32")
        turn = options.get("rope"), self.options.pop("rope_layout", "half_split")
        self.options["rope"] = rope_argument(*turn, "float32")
        self.options["query_positions"] = positions_argument(options.get("query_positions"), "query_positions", B, Tq)

    def run(self, operation: Any) -> Any:
        return operation(
            self.query, self.cache, result(self.out, "output"), result(self.lse, "lse"), **self.options
        )


def _alignment(causal: Any) -> str | None:
    causal = plain_bool(causal)
    if causal is False:
        return None
    if causal is None:
        raise TypeError("causal is NoneType, but must be a bool or a string")
    if causal is True:
        raise ValueError(
            'causal is True, but sequences have lengths of their own: say "lower_right" (the queries stand at the end '
            'of their sequence) or "upper_left" (at its beginning)'
        )
    return causal


def attention_decode(
    q: Any,
    cache: KVCache | KVPages,
    *,
    layout: str = "bhtd",
    sequences: Any = None,
    query_counts: Any = None,
    scale: float | None = None,
    causal: bool | str = "lower_right",
    window: tuple[int, int] = (-1, -1),
    alibi_slopes: Any = None,
    softcap: float = 0.0,
    sinks: Any = None,
    rope: Any = None,
    rope_layout: str = "half_split",
    query_positions: Any = None,
    return_lse: bool = False,
    threads: int | None = None,
    isa: str | None = None,
) -> Any:
    """attention() of a few new queries over a cache, which holds the keys and values of their tokens already: the Tq
    queries of a sequence stand at its last Tq positions.

    Args:
      q: [B, Hq, Tq, D]; tokens before heads with `layout` "bthd". float32, bfloat16 or float16, whatever the cache
        stores. Hq is a multiple of the cache's Hkv.
      cache: a KVCache, or KVPages of the caller's.
      sequences: which sequence of the cache each batch row is, B integers; unless given row b is sequence b.
      query_counts: how many of the Tq queries each batch row has, B integers in [0, Tq]; all unless given. The rest is
        padding: not read, out 0, lse -inf.
      scale: multiplies every score; 1 / sqrt(D) unless given.
      causal: "lower_right": a query sees what comes before it and itself. "upper_left" puts query i at position i.
        False: every query sees the whole sequence, as in cross-attention.
      window: (left, right): how many keys a query sees to either side of where it stands; -1 is no bound.
      alibi_slopes: [Hq] or [B, Hq]: slope * |where the query stands - key| is taken off every score.
      softcap: scaled products s become softcap * tanh(s / softcap); 0: they do not.
      sinks: [Hq]: exp(sink) is added to the sum that weights are divided by.
      rope: (cos, sin), [P, R / 2] each: turns q by its positions, as rope() would; the cache's keys were turned as they
        were appended. rope_layout: "half_split" or "interleaved".
      query_positions: where q stands for `rope`, [Tq] or [B, Tq]; unless given where it stands on the key axis.
      return_lse: also return log(sum(exp(score))), [B, Hq, Tq] in float32, for merge().
      threads: 1..1024; all that OpenMP offers unless given. The result does not depend on it, nor on the batch.
      isa: one of isas(), to pin the instruction set.

    Returns:
      out, of q's shape and type with width Dv; or (out, lse).
    """
    call = _Call(
        q,
        cache,
        return_lse,
        {
            "layout": layout,
            "sequences": sequences,
            "query_counts": query_counts,
            "scale": scale,
            "causal": causal,
            "window": window,
            "alibi_slopes": alibi_slopes,
            "softcap": softcap,
            "sinks": sinks,
            "rope": rope,
            "rope_layout": rope_layout,
            "query_positions": query_positions,
            "threads": threads,
            "isa": isa,
        },
    )
    call.run(_attend.attention_decode)
    return (call.out, call.lse) if return_lse else call.out


def explain_decode(
    q: Any, cache: KVCache | KVPages, *, return_lse: bool = False, **options: Unpack[DecodeOptions]
) -> str:
    """One line: which kernel attention_decode() would run for these arguments, on which instruction set, with which
    splits and passes, and why. Raises what attention_decode() would raise."""
    return _Call(q, cache, return_lse, dict(options)).run(_attend.explain_decode)


def merge(
    first: tuple[Any, Any], second: tuple[Any, Any], *, layout: str = "bhtd", threads: int | None = None
) -> tuple[Any, Any]:
    """The attention over two disjoint sets of keys together, from the attention over each.

    Args:
      first, second: (out, lse) as attention() and attention_decode() return them: [B, H, T, Dv] (tokens before heads
        with `layout` "bthd") and [B, H, T]. out: float32, float64, bfloat16 or float16; lse: float32, or float64 beside
        float64. A part that saw no key (lse -inf) is left out, and its sink
        with it. A sink belongs to one of the parts only: one of which every query sees a key.

    Returns:
      (out, lse) in new arrays.
    """
    parts = []
    for part, name in ((first, "first"), (second, "second")):
        if not isinstance(part, (tuple, list)) or len(part) != 2:
            raise TypeError(f"{name} is {type(part).__name__}, but must be a pair (out, lse)")
        parts += [borrow(part[0], f"{name} output"), borrow(part[1], f"{name} lse", SUM_TYPES)]
    B, H, T, Dv = heads_of(parts[0], "first output", layout)
    out = empty_like(first[0], in_layout(B, H, T, Dv, layout), parts[0].dtype)
    lse = empty_like(first[0], (B, H, T), "float64" if parts[0].dtype == "float64" else "float32")
    _attend.merge(*parts, result(out, "output"), result(lse, "lse"), layout, threads)
    return out, lse
