"""Arrays of the kind that the caller brought."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Any

import numpy

from ._attend import Array


def is_torch(source: Any) -> bool:
    # Whoever has a tensor has imported PyTorch; nobody else has to.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


OPERAND_TYPES = "float32, bfloat16, float16 or float64"
SUM_TYPES = "float32, or float64 beside float64"
CACHE_OPERAND_TYPES = "float32, bfloat16 or float16"
CACHE_TYPES = "float32, bfloat16, float16 or int8"


def borrow(array: Any, name: str, types: str = OPERAND_TYPES) -> Array:
    """An operand that is read, of one of `types`. One whose gradient would be lost is an error."""
    if is_torch(array) and array.requires_grad and sys.modules["torch"].is_grad_enabled():
        raise ValueError(
            f"{name} requires grad, which attend.attention() does not record: use "
            "attend.torch.scaled_dot_product_attention(), or detach() it"
        )
    return Array(array, name, types=types)


def empty_like(source: Any, shape: Sequence[int], dtype: str) -> Any:
    """A PyTorch tensor where `source` is one, and a NumPy array otherwise."""
    if is_torch(source):
        torch = sys.modules["torch"]
        return torch.empty(tuple(shape), dtype=getattr(torch, dtype), device=source.device)
    if dtype == "bfloat16":
        raise TypeError("query is bfloat16, which NumPy does not have for the result: bring PyTorch tensors")
    return numpy.empty(tuple(shape), dtype=dtype)


def result(array: Any, name: str, types: str = OPERAND_TYPES) -> Array | None:
    """An operand that is written, of one of `types`."""
    return None if array is None else Array(array, name, writable=True, types=types)


def array_of(values: Any, name: str, dtype: str) -> Any:
    """Plain numbers as an array; anything else as it is."""
    if not isinstance(values, (list, tuple)):
        return values
    return numbers(values, name, dtype)


def numbers(values: Any, name: str, dtype: str) -> numpy.ndarray:
    """A copy of numbers in any form."""
    try:
        return numpy.array(values, dtype=dtype)
    except OverflowError:
        raise ValueError(f"{name} has an integer beyond the range of float64") from None
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be an array of numbers ({error})") from None


def plain_bool(value: Any) -> Any:
    """NumPy's bool as Python's; anything else as it is."""
    return bool(value) if isinstance(value, numpy.bool_) else value


def integer(value: Any, name: str, least: int, most: int) -> int:
    """A plain integer in a range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {type(value).__name__}, but must be an integer") from None
    if not least <= number <= most:
        raise ValueError(f"{name} is {number}, but must be in {least}..{most}")
    return number


def integers(values: Any, name: str) -> list[int] | None:
    """Plain integers from one, or from a list, an array or a tensor of them."""
    if values is None:
        return None
    try:
        if hasattr(values, "__index__") and not getattr(values, "shape", ()):
            return [operator.index(values)]
        return [operator.index(n) for n in values]
    except TypeError as error:
        raise TypeError(f"{name} must be a sequence of integers ({error})") from None


def integer_array(values: Any, name: str, axes: int | None, dtype: type) -> numpy.ndarray:
    """A copy as contiguous integers, which must be such already; None: of any number of axes."""
    try:
        if hasattr(values, "__dlpack__") and not isinstance(values, numpy.ndarray):
            values = numpy.from_dlpack(values)
        given = numpy.asarray(values)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise TypeError(f"{name} must be an array of integers ({error})") from None
    if given.dtype.kind not in "iu" and given.size > 0:
        # NumPy makes floats or objects of integers beyond 64 bits.
        exact = numpy.array(values, dtype=object) if isinstance(values, (list, tuple)) else given
        if exact.dtype != object or not all(type(n) is int for n in exact.flat):
            raise TypeError(f"{name} is {given.dtype}, but must be integers")
        given = exact
    if axes is not None and given.ndim != axes:
        raise ValueError(f"{name} has {given.ndim} axes, but must have {axes}")
    if given.size >= 2**31:  # a broadcast array costs its maker nothing, and a copy all its numbers
        raise ValueError(f"{name} has {given.size} numbers, but must have fewer than 2^31")
    limits = numpy.iinfo(dtype)
    for number in (given.min(initial=0), given.max(initial=0)):
        if not limits.min <= int(number) <= limits.max:
            raise ValueError(f"{name} has a {int(number)}, but must be in {limits.min}..{limits.max}")
    return given.astype(dtype, order="C")


def alignment(causal: Any, offset: list[int] | None, unequal: str | None) -> str | None:
    """`causal` by its name. `unequal` says where queries and keys are not as many, if anywhere."""
    causal = plain_bool(causal)
    if isinstance(causal, str):
        if causal == "query_offset" and offset is None:
            raise ValueError('causal is "query_offset", but query_offset is None')
        if causal in ("upper_left", "lower_right") and offset is not None:
            raise ValueError(
                f'causal is "{causal}", but query_offset is given too; both say where the diagonal starts: let causal '
                "be True"
            )
        return causal
    if not isinstance(causal, bool):
        raise TypeError(f"causal is {type(causal).__name__}, but must be a bool or a string")
    if causal and offset is not None:
        return "query_offset"
    if causal and unequal is not None:
        raise ValueError(
            f"causal is True, but {unequal}: say where the diagonal starts, "
            '"upper_left" (query i sees key j when j <= i) or "lower_right" (j <= i + Tk - Tq)'
        )
    return "upper_left" if causal else None


def heads_of(array: Array, name: str, layout: str) -> tuple[int, int, int, int]:
    """The shape as (batch, heads, tokens, width)."""
    if layout not in ("bhtd", "bthd"):
        raise ValueError(f'layout is {layout!r}, but must be "bhtd" or "bthd"')
    if len(array.shape) != 4:
        axes = "[batch, heads, tokens, width]" if layout == "bhtd" else "[batch, tokens, heads, width]"
        raise ValueError(f"{name} has {len(array.shape)} axes, but must have 4: {axes}")
    b, x, y, d = array.shape
    return (b, x, y, d) if layout == "bhtd" else (b, y, x, d)


def in_layout(b: int, h: int, t: int, d: int, layout: str) -> tuple[int, int, int, int]:
    return (b, h, t, d) if layout == "bhtd" else (b, t, h, d)
