"""What the options of attention() and attention_varlen() have in common."""

from __future__ import annotations

import sys
from typing import Any, TypedDict

from ._arrays import SUM_TYPES, alignment, array_of, borrow, empty_like, integers
from ._rope import positions_argument, rope_argument

if sys.version_info >= (3, 11):
    from typing import Unpack as Unpack
else:
    from typing_extensions import Unpack as Unpack


class ScoreOptions(TypedDict, total=False):
    """What is computed, apart from the data; the documentation of attention() says what they mean."""

    scale: float | None
    causal: bool | str
    window: tuple[int, int]
    query_offset: Any
    mask: Any
    bias: Any
    alibi_slopes: Any
    softcap: float
    sinks: Any
    kv_lengths: Any
    dropout: float
    seed: int
    rope: Any
    rope_layout: str
    query_positions: Any
    key_positions: Any
    isa: str | None


def binding_options(
    options: dict[str, Any], unequal: str | None, sum_type: str, queries: tuple[int, int], keys: tuple[int, int]
) -> dict[str, Any]:
    """Options as the binding takes them. `unequal` says where queries and keys are not as many, if anywhere; `queries`
    and `keys` are the batch rows and the rows of each that positions are given for."""
    offset = integers(options.get("query_offset"), "query_offset")
    taken = {
        **options,
        "causal": alignment(options.get("causal", False), offset, unequal),
        "query_offset": offset,
        "kv_lengths": integers(options.get("kv_lengths"), "kv_lengths"),
    }
    for name in ("alibi_slopes", "sinks"):
        if name in options:
            taken[name] = array_of(options[name], name, sum_type)
    taken["rope"] = rope_argument(options.get("rope"), taken.pop("rope_layout", "half_split"), sum_type)
    for name, rows in (("query_positions", queries), ("key_positions", keys)):
        taken[name] = positions_argument(options.get(name), name, *rows)
    return taken


def gradient_of(name: str, asked: bool, call: Any) -> Any:
    """Where the gradient of option `name` of a call is put, of the option's shape; None when it is not asked for."""
    if not asked:
        return None
    if call.options.get(name) is None:
        raise ValueError(f"return_d{name} is True, but {name} is None")
    return empty_like(call.source, borrow(call.options[name], name, SUM_TYPES).shape, call.sum_type)
