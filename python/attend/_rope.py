"""rope() and rope_table(): rotary position embedding by itself, and as an argument of other operations."""

from __future__ import annotations

from typing import Any

import numpy

from . import _attend
from ._arrays import array_of, borrow, empty_like, heads_of, integer, integer_array, numbers, plain_bool, result

_LAYOUTS = ("half_split", "interleaved")


def rope_argument(tables: Any, layout: Any, dtype: str) -> tuple[Any, Any, str] | None:
    """(cos, sin, layout) as the binding takes them."""
    if not isinstance(layout, str) or layout not in _LAYOUTS:
        raise ValueError(f'rope_layout is {layout!r}, but must be "half_split" or "interleaved"')
    if tables is None:
        if layout != "half_split":
            raise ValueError(f'rope_layout is "{layout}", but rope is None')
        return None
    if not isinstance(tables, (tuple, list)):
        raise TypeError(f"rope is {type(tables).__name__}, but must be a pair (cos, sin)")
    if len(tables) != 2:
        raise ValueError(f"rope has {len(tables)} members, but must be a pair (cos, sin)")
    cos, sin = (array_of(table, f"rope.{name}", dtype) for table, name in zip(tables, ("cos", "sin")))
    return cos, sin, layout


def positions_argument(values: Any, name: str, B: int, T: int) -> numpy.ndarray | None:
    """Where T rows of B batch rows stand, as the binding takes it."""
    if values is None:
        return None
    given = integer_array(values, name, None, numpy.int64)
    if given.shape not in ((T,), (1, T), (B, T)):
        raise ValueError(f"{name} has shape {list(given.shape)}, but must have [{T}] or [{B}, {T}]")
    return given.reshape(-1)


def rope(
    x: Any,
    cos: Any,
    sin: Any,
    *,
    layout: str = "bhtd",
    rope_layout: str = "half_split",
    positions: Any = None,
    transposed: bool = False,
    threads: int | None = None,
) -> Any:
    """Rows turned by their positions. attention(), attention_decode() and KVCache.append() do the same to what they
    are given with `rope=(cos, sin)`, without storing it.

    Args:
      x: [B, H, T, D]; tokens before heads with `layout` "bthd". float32, bfloat16, float16 or float64.
      cos, sin: [P, R / 2], R <= D: row p turns a row at position p; features from R on pass through. float32, or
        float64 beside float64. rope_table() makes the common ones.
      rope_layout: which features make a pair: "half_split", r and r + R / 2 (Llama of Hugging Face, Mistral, Qwen,
        GPT-NeoX); "interleaved", 2 r and 2 r + 1 (GPT-J, RoFormer, Llama as first published).
      positions: [T] or [B, T] integers in [0, P); unless given row t is at position t.
      transposed: turns back, which takes gradients of turned rows to gradients of the rows.
      threads: 1..1024; all that OpenMP offers unless given.

    Returns:
      An array of x's shape and type.
    """
    operand = borrow(x, "input")
    B, _, T, _ = heads_of(operand, "input", layout)
    transposed = plain_bool(transposed)
    if not isinstance(transposed, bool):
        raise TypeError(f"transposed is {type(transposed).__name__}, but must be a bool")
    tables = rope_argument((cos, sin), rope_layout, "float64" if operand.dtype == "float64" else "float32")
    places = positions_argument(positions, "positions", B, T)
    turned = empty_like(x, operand.shape, operand.dtype)
    _attend.rope(operand, tables, result(turned, "output"), places, transposed, layout, threads)
    return turned


def rope_table(
    positions: int,
    width: int,
    *,
    base: float = 10000.0,
    position_scale: float = 1.0,
    frequencies: Any = None,
    magnitude: float = 1.0,
    dtype: str = "float32",
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """(cos, sin) for `rope`, [positions, width / 2]: position p turns pair r by the angle p * position_scale *
    base^(-2 r / width).

    Args:
      positions: P; a position must be below it.
      width: R, how many features of a row are turned: even, 2..1024.
      position_scale: 1 / factor is linear scaling.
      frequencies: width / 2 numbers in place of base^(-2 r / width): NTK by parts, YaRN, Llama 3.
      magnitude: multiplies cosines and sines: YaRN's temperature.
      dtype: "float32" or "float64". Computed in float64 and rounded once.
    """
    P, R = integer(positions, "positions", 0, 2**31 - 1), integer(width, "width", 2, 1024)
    if R % 2 != 0:
        raise ValueError(f"width is {R}, but must be even")
    if dtype not in ("float32", "float64"):
        raise ValueError(f'dtype is {dtype!r}, but must be "float32" or "float64"')
    factors = {"base": base, "position_scale": position_scale, "magnitude": magnitude}
    for name, number in factors.items():
        try:
            factors[name] = float(number)
        except OverflowError:
            raise ValueError(f"{name} is an integer beyond the range of float64") from None
        except (TypeError, ValueError):
            raise TypeError(f"{name} is {type(number).__name__}, but must be a number") from None
    if frequencies is not None:
        frequencies = numbers(frequencies, "frequencies", "float64")
        if frequencies.shape != (R // 2,):
            raise ValueError(f"frequencies has shape {list(frequencies.shape)}, but must have [{R // 2}]")
        frequencies = frequencies.tolist()
    cos, sin = numpy.empty((P, R // 2), dtype=dtype), numpy.empty((P, R // 2), dtype=dtype)
    _attend.rope_table(result(cos, "cos"), result(sin, "sin"), frequencies=frequencies, **factors)
    return cos, sin
