from typing import Any

import numpy

class _Module:
    """A module and its parameters."""

    def __init__(
        self,
        score: str,
        weights: str,
        query: int,
        key: int,
        value: int,
        hidden: int,
        projected_key: int,
        projected_value: int,
        seed: int,
    ) -> None: ...
    def parameters(self) -> list[tuple[str, numpy.ndarray]]: ...
    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_lengths: list[int] | None,
        mask: Any,
        output: Any,
        weights: Any,
        threads: int | None,
    ) -> None: ...
    def backward(
        self,
        output_gradient: Any,
        query: Any,
        key: Any,
        value: Any,
        key_lengths: list[int] | None,
        mask: Any,
        query_gradient: Any,
        key_gradient: Any,
        value_gradient: Any,
        parameter_gradients: list[Any],
        threads: int | None,
    ) -> None: ...

class Float32Module(_Module): ...
class Float64Module(_Module): ...
