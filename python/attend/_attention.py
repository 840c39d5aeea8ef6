"""attention(), attention_backward() and explain()."""

from __future__ import annotations

from typing import Any

from . import _attend
from ._arrays import SUM_TYPES, borrow, empty_like, heads_of, in_layout, plain_bool, result
from ._options import ScoreOptions, Unpack, binding_options, gradient_of


class Options(ScoreOptions, total=False):
    """What attention() computes, apart from the data; its documentation says what they mean."""

    layout: str


class _Call:
    """The operands of one call, borrowed, and its options as the binding takes them."""

    def __init__(self, q: Any, k: Any, v: Any, options: dict[str, Any]):
        self.source = q
        self.layout = layout = options.get("layout", "bhtd")
        self.query, self.key, self.value = borrow(q, "query"), borrow(k, "key"), borrow(v, "value")
        self.B, self.Hq, self.Tq, self.D = heads_of(self.query, "query", layout)
        _, self.Hkv, self.Tk, _ = heads_of(self.key, "key", layout)
        self.Dv = heads_of(self.value, "value", layout)[3]
        # Sums are never kept in 16 bits.
        self.sum_type = "float64" if self.query.dtype == "float64" else "float32"
        self.options = binding_options(options, self._unequal(), self.sum_type, (self.B, self.Tq), (self.B, self.Tk))

    def _unequal(self) -> str | None:
        return None if self.Tq == self.Tk else f"query axis Tq is {self.Tq} and key axis Tk is {self.Tk}"

    def empty(self, heads: int, tokens: int, width: int) -> Any:
        return empty_like(self.source, in_layout(self.B, heads, tokens, width, self.layout), self.query.dtype)

    def empty_lse(self) -> Any:
        return empty_like(self.source, (self.B, self.Hq, self.Tq), self.sum_type)

    def empty_weights(self, form: Any) -> dict[str, Any]:
        """The weights in the form asked for, by the binding's names."""
        shapes = {
            True: ("weights", (self.B, self.Hq, self.Tq, self.Tk)),
            "head_mean": ("head_mean", (self.B, self.Tq, self.Tk)),
            "column_sums": ("column_sums", (self.B, self.Hq, self.Tk)),
        }
        arrays = {"weights": None, "head_mean": None, "column_sums": None}
        form = plain_bool(form)
        if form is False:
            return arrays
        if not isinstance(form, (bool, str)) or form not in shapes:
            raise ValueError(
                f'return_weights is {form!r}, but must be False, True, "head_mean" or "column_sums"'
            )
        name, shape = shapes[form]
        arrays[name] = empty_like(self.source, shape, self.sum_type)
        return arrays

    def results(self, return_lse: bool, return_weights: Any) -> dict[str, Any]:
        """What attention() writes, by the binding's names; None where it is not asked for."""
        arrays = {"output": self.empty(self.Hq, self.Tq, self.Dv), "lse": self.empty_lse() if return_lse else None}
        return {**arrays, **self.empty_weights(return_weights)}


def attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    layout: str = "bhtd",
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
    return_weights: bool | str = False,
    threads: int | None = None,
    isa: str | None = None,
) -> Any:
    """softmax(scale * q k^T) v, computed tile by tile; the scores are never stored.

    Args:
      q: [B, Hq, Tq, D], k: [B, Hkv, Tk, D], v: [B, Hkv, Tk, Dv]; tokens before heads with `layout` "bthd". float32,
        bfloat16, float16, or float64 (plain loops, for checking). NumPy arrays, PyTorch tensors, or anything with
        DLPack, read in place; any strides with a contiguous last axis.
      scale: multiplies every score; 1 / sqrt(D) unless given.
      causal: "upper_left" (query i sees key j when j <= i), "lower_right" (j <= i + Tk - Tq), or True: j <= i +
        query_offset where that is given, either of the two where Tq == Tk, and an error elsewhere.
      window: (left, right): how many keys a query sees to either side of where it stands; -1 is no bound.
      query_offset: where query 0 stands on the key axis, one integer or B; unless given 0 with "upper_left" and Tk - Tq
        otherwise.
      mask: bool, broadcast to [B, Hq, Tq, Tk] whatever the layout; True: the query may see the key.
      bias: float32 (float64 beside float64), broadcast like mask; added to the scores. -inf masks.
      alibi_slopes: [Hq] or [B, Hq]: slope * |where the query stands - key| is taken off every score.
      softcap: scaled products s become softcap * tanh(s / softcap) before anything is added; 0: they do not.
      sinks: [Hq]: exp(sink) is added to the sum that weights are divided by.
      kv_lengths: B integers in [0, Tk]: how many keys of each batch row exist. Nothing past them is read.
      dropout: the share of weights left out, in [0, 1), as a function of `seed` and their place alone.
      rope: (cos, sin), [P, R / 2] each: turns q and k by their positions before anything else, as rope() would.
        Gradients are those of q and k as they were given. rope_layout: "half_split" or "interleaved".
      query_positions, key_positions: where q and k stand for `rope`, [Tq] and [Tk] or [B, Tq] and [B, Tk]; unless given
        query i where it stands on the key axis, and key j at j.
      return_lse: also return log(sum(exp(score))), [B, Hq, Tq]; attention_backward() needs it.
      return_weights: also return the weights before dropout, [B, Hq, Tq, Tk]; "head_mean": their mean over heads,
        [B, Tq, Tk]; "column_sums": their sums over queries, [B, Hq, Tk].
      threads: 1..1024; all that OpenMP offers unless given. The result does not depend on it.
      isa: one of isas(), to pin the instruction set.

    Returns:
      out, of q's shape with width Dv; (out, lse); (out, weights); or (out, lse, weights). PyTorch tensors where q is
      one, NumPy arrays otherwise. lse and weights are float32, or float64 beside float64.
    """
    call = _Call(
        q,
        k,
        v,
        {
            "layout": layout,
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
    arrays = call.results(return_lse, return_weights)
    _attend.attention(
        call.query, call.key, call.value, *(result(a, name) for name, a in arrays.items()), **call.options
    )
    asked = tuple(a for a in arrays.values() if a is not None)
    return asked if len(asked) > 1 else asked[0]


def attention_backward(
    dout: Any,
    q: Any,
    k: Any,
    v: Any,
    out: Any,
    lse: Any,
    *,
    return_dbias: bool = False,
    return_dsinks: bool = False,
    threads: int | None = None,
    **options: Unpack[Options],
) -> tuple[Any, ...]:
    """The gradients (dq, dk, dv[, dbias][, dsinks]) of sum(out * dout).

    `out` and `lse` are what attention(..., return_lse=True) gave for the same q, k, v and options. dbias and dsinks
    have the shapes of bias and sinks. All have the types of the forward pass: dq, dk and dv that of q, the others that
    of sums. Deterministic: sums have a fixed order.
    """
    call = _Call(q, k, v, dict(options))
    arrays = {
        "query_gradient": call.empty(call.Hq, call.Tq, call.D),
        "key_gradient": call.empty(call.Hkv, call.Tk, call.D),
        "value_gradient": call.empty(call.Hkv, call.Tk, call.Dv),
        "bias_gradient": gradient_of("bias", return_dbias, call),
        "sinks_gradient": gradient_of("sinks", return_dsinks, call),
    }
    _attend.attention_backward(
        borrow(dout, "output_gradient"),
        call.query,
        call.key,
        call.value,
        borrow(out, "output"),
        borrow(lse, "lse", SUM_TYPES),
        *(result(a, name) for name, a in arrays.items()),
        threads=threads,
        **call.options,
    )
    return tuple(a for a in arrays.values() if a is not None)


def explain(
    q: Any,
    k: Any,
    v: Any,
    *,
    return_lse: bool = False,
    return_weights: bool | str = False,
    **options: Unpack[Options],
) -> str:
    """One line: which kernel attention() would run for these arguments, on which instruction set, with which tiles, and
    why. Raises what attention() would raise."""
    call = _Call(q, k, v, dict(options))
    arrays = call.results(return_lse, return_weights)
    return _attend.explain(
        call.query, call.key, call.value, *(result(a, name) for name, a in arrays.items()), **call.options
    )
