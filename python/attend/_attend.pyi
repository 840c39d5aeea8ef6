from typing import Any

version: str

def isas() -> list[str]:
    """The instruction sets of this build that this machine can run, fastest first."""

class Array:
    """An array of another library, borrowed without a copy."""

    def __init__(self, object: Any, name: str, writable: bool = False, types: str = ...) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...

def attention(
    query: Array,
    key: Array,
    value: Array,
    output: Array,
    lse: Array | None,
    weights: Array | None,
    head_mean: Array | None,
    column_sums: Array | None,
    **options: Any,
) -> None: ...
def attention_backward(
    output_gradient: Array,
    query: Array,
    key: Array,
    value: Array,
    output: Array,
    lse: Array,
    query_gradient: Array,
    key_gradient: Array,
    value_gradient: Array,
    bias_gradient: Array | None,
    sinks_gradient: Array | None,
    **options: Any,
) -> None: ...
def explain(
    query: Array,
    key: Array,
    value: Array,
    output: Array,
    lse: Array | None,
    weights: Array | None,
    head_mean: Array | None,
    column_sums: Array | None,
    **options: Any,
) -> str: ...
def attention_varlen(
    query: Array,
    key: Array,
    value: Array,
    query_starts: Any,
    key_starts: Any,
    output: Array,
    lse: Array | None,
    **options: Any,
) -> None: ...
def attention_varlen_backward(
    output_gradient: Array,
    query: Array,
    key: Array,
    value: Array,
    output: Array,
    lse: Array,
    query_starts: Any,
    key_starts: Any,
    query_gradient: Array,
    key_gradient: Array,
    value_gradient: Array,
    bias_gradient: Array | None,
    sinks_gradient: Array | None,
    **options: Any,
) -> None: ...
def explain_varlen(
    query: Array,
    key: Array,
    value: Array,
    query_starts: Any,
    key_starts: Any,
    output: Array,
    lse: Array | None,
    **options: Any,
) -> str: ...

class KvCache:
    """Keys and values in pages of its own."""

    def __init__(
        self,
        sequences: int,
        capacity: int,
        kv_heads: int,
        key_width: int,
        value_width: int,
        dtype: str,
        page_size: int,
        pages: int,
    ) -> None: ...
    @property
    def value_width(self) -> int: ...
    def append(
        self,
        key: Array,
        value: Array,
        counts: list[int] | None,
        sequences: list[int] | None,
        layout: str,
        rope: tuple[Any, Any, str] | None,
        key_positions: Any,
        threads: int | None,
    ) -> None: ...
    def truncate(self, sequence: int, length: int) -> None: ...
    def share(self, from_: int, to: int, length: int) -> None: ...
    def reset(self) -> None: ...
    def lengths(self) -> list[int]: ...
    def block_table(self) -> list[list[int]]: ...
    def pages(self) -> tuple[Any, Any, Any, Any]: ...
    def size(self) -> dict[str, Any]: ...
    def free_pages(self) -> int: ...
    def nbytes(self) -> int: ...

class PagedArrays:
    """Keys and values in pages that are arrays of the caller's."""

    def __init__(
        self,
        key: Array,
        value: Array,
        key_scale: Array | None,
        value_scale: Array | None,
        lengths: Any,
        block_table: Any,
    ) -> None: ...
    @property
    def value_width(self) -> int: ...
    def append(
        self,
        key: Array,
        value: Array,
        counts: list[int] | None,
        sequences: list[int] | None,
        layout: str,
        rope: tuple[Any, Any, str] | None,
        key_positions: Any,
        threads: int | None,
    ) -> None: ...

def attention_decode(
    query: Array,
    cache: KvCache | PagedArrays,
    output: Array,
    lse: Array | None,
    sequences: list[int] | None,
    query_counts: list[int] | None,
    **options: Any,
) -> None: ...
def explain_decode(
    query: Array,
    cache: KvCache | PagedArrays,
    output: Array,
    lse: Array | None,
    sequences: list[int] | None,
    query_counts: list[int] | None,
    **options: Any,
) -> str: ...
def merge(
    first_output: Array,
    first_lse: Array,
    second_output: Array,
    second_lse: Array,
    output: Array,
    lse: Array,
    layout: str,
    threads: int | None,
) -> None: ...
def rope(
    input: Array,
    tables: tuple[Any, Any, str],
    output: Array,
    positions: Any,
    transposed: bool,
    layout: str,
    threads: int | None,
) -> None: ...
def rope_table(
    cos: Array,
    sin: Array,
    base: float,
    position_scale: float,
    frequencies: list[float] | None,
    magnitude: float,
) -> None: ...
