from typing import Any

version: str

def isas() -> list[str]:
    """The instruction sets of this build that this machine can run, fastest first."""

class Array:
    """An array of another library, borrowed without a copy."""

    def __init__(self, object: Any, name: str, writable: bool = False) -> None: ...
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
