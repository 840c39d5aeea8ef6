"""Learned attention modules, forward and backward: tanh, dot, scaled dot, general (Luong) and additive (Bahdanau).

    module = attend.nn.AttentionModule("additive", query_width=256, key_width=128, hidden=64)
    out, weights = module(query, key, value, return_weights=True)
    gradients = module.backward(dout, query, key, value)

With q a query, k a key and everything else learned, the score of a key is

    tanh        <tanh(W q + b), k>
    dot         <q, k>
    scaled_dot  <q, k> / sqrt(D)
    general     <W q, k>
    additive    <w, tanh(W q + b + U k)>

and the weights are the softmax of the scores over the keys or, raw, the scores themselves. Keys and values are what is
given, or learned projections of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy

from ._arrays import empty_like, integer, integers, is_torch

try:
    from . import _nn
except ImportError as _error:
    raise ImportError(
        "attend.nn needs the part of the package that is built with oneDNN: install it with "
        f"pip install . -C cmake.define.ATTEND_ENGINE_ONLY=OFF ({_error})"
    ) from None

__all__ = ["AttentionModule", "Gradients"]

_KINDS = {"float32": _nn.Float32Module, "float64": _nn.Float64Module}


@dataclass(frozen=True, eq=False)
class Gradients:
    """What a backward pass gives: the gradients of the three inputs, and of the parameters by their names."""

    query: Any
    key: Any
    value: Any
    parameters: dict[str, numpy.ndarray]


class AttentionModule:
    """One head of learned attention.

    It can be copied and pickled; a copy has parameters of its own.

    Attributes:
      parameters: the learned arrays by name, a mapping that cannot be changed. The arrays are the module's own memory:
        `parameters[name][...] = values` is how it is given values.
        "query.weight" [K or hidden, Dq] of tanh, general and additive, "query.bias" of tanh and additive;
        "compare.weight" [hidden, K] (U) and "score.weight" [hidden] (w) of additive; "key.weight", "key.bias",
        "value.weight", "value.bias" of the projections. Weights are [out, in], as PyTorch's. K is the width of the
        keys after their projection.
    """

    def __init__(
        self,
        score: str,
        query_width: int,
        key_width: int,
        value_width: int | None = None,
        *,
        hidden: int | None = None,
        key_projection: int | None = None,
        value_projection: int | None = None,
        weights: str = "softmax",
        dtype: str = "float32",
        seed: int = 0,
    ):
        """
        Args:
          score: "tanh", "dot", "scaled_dot", "general" or "additive".
          query_width, key_width, value_width: of what the module is given; values are as wide as keys unless told. dot
            and scaled_dot need queries as wide as the (projected) keys.
          hidden: the length of additive's w; the keys' width unless given. No other score has one.
          key_projection, value_projection: widths to project keys and values to; they are taken as they come unless
            given.
          weights: "softmax", or "raw": the scores as they are.
          dtype: "float32", or "float64" for checking.
          seed: of the initial parameters.

        Raises ValueError naming the width and both numbers; TypeError for what is no integer.
        """
        if dtype not in _KINDS:
            raise ValueError(f'dtype is {dtype!r}, but must be "float32" or "float64"')
        for text, name in ((score, "score"), (weights, "weights")):
            if not isinstance(text, str):
                raise TypeError(f"{name} is {type(text).__name__}, but must be a string")
        query_width, key_width = _width(query_width, "query_width"), _width(key_width, "key_width")
        value_width = key_width if value_width is None else _width(value_width, "value_width")
        projected_key = 0 if key_projection is None else _width(key_projection, "key_projection")
        projected_value = 0 if value_projection is None else _width(value_projection, "value_projection")
        if hidden is not None and score != "additive":
            raise ValueError(f"hidden is {hidden}, but only additive scores have one")
        if score == "additive":
            hidden = (projected_key or key_width) if hidden is None else _width(hidden, "hidden")
        self.dtype = dtype
        self.value_width = projected_value or value_width
        widths = query_width, key_width, value_width, hidden or 0, projected_key, projected_value
        self._make((score, weights, *widths, integer(seed, "seed", 0, 2**64 - 1)))

    def _make(self, arguments: tuple[Any, ...]) -> None:
        self._arguments = arguments
        self._module = _KINDS[self.dtype](*arguments)
        self.parameters: Mapping[str, numpy.ndarray] = MappingProxyType(dict(self._module.parameters()))

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_module"}
        return {**state, "parameters": dict(self.parameters)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make(self._arguments)
        for name, array in self.parameters.items():
            array[...] = state["parameters"][name]

    def __call__(
        self,
        query: Any,
        key: Any,
        value: Any,
        *,
        key_lengths: Any = None,
        mask: Any = None,
        return_weights: bool = False,
        threads: int | None = None,
    ) -> Any:
        """The weighted sums of the values.

        Args:
          query: [B, Tq, query_width], or [Tq, query_width] with keys and values that have no batch axis either.
          key: [B, Tk, key_width].
          value: [B, Tk, value_width].
          key_lengths: how many keys of each batch row there are, B integers; what lies past them is not read.
          mask: bool, [B, Tq, Tk] or what broadcasts to it: true where a query sees a key. What the others hold, NaN
            included, reaches nothing; a query that sees none gets zeros.
          return_weights: also return the weights, [B, Tq, Tk], 0 where a key is not seen.
          threads: 1..1024; all that OpenMP offers unless given.

        Returns out [B, Tq, value width], or (out, weights); PyTorch tensors where `query` is one, NumPy arrays otherwise.
        """
        call = _Call(self, query, key, value, key_lengths, mask)
        B, Tq, Tk = call.sizes
        out = empty_like(query, (B, Tq, self.value_width), self.dtype)
        seen = empty_like(query, (B, Tq, Tk), self.dtype) if return_weights else None
        self._module.forward(*call.operands, out, seen, threads)
        return (call.shaped(out), call.shaped(seen)) if return_weights else call.shaped(out)

    forward = __call__

    def backward(
        self,
        dout: Any,
        query: Any,
        key: Any,
        value: Any,
        *,
        key_lengths: Any = None,
        mask: Any = None,
        threads: int | None = None,
    ) -> Gradients:
        """Gradients of sum(dout * module(query, key, value, ...)); the arguments as in the call, dout as its result.

        The forward pass is computed again, so a module keeps nothing between calls and several threads may use it.
        """
        call = _Call(self, query, key, value, key_lengths, mask)
        _refuse_grad(dout, "dout")
        gradients = [empty_like(query, x.shape, self.dtype) for x in call.operands[:3]]
        parameters = {name: numpy.empty_like(array) for name, array in self.parameters.items()}
        self._module.backward(
            call.batched(dout, "dout"), *call.operands, *gradients, list(parameters.values()), threads
        )
        return Gradients(*(call.shaped(gradient) for gradient in gradients), parameters)


class _Call:
    """The operands of a call, with a batch axis."""

    def __init__(self, module: AttentionModule, query: Any, key: Any, value: Any, key_lengths: Any, mask: Any):
        for array, name in ((query, "query"), (key, "key"), (value, "value")):
            _refuse_grad(array, name)
            if not hasattr(array, "ndim") or not hasattr(array, "shape"):
                raise TypeError(f"{name} is {type(array).__name__}, but must be an array")
        self._alone = query.ndim == 2
        query, key, value = self.batched(query, "query"), self.batched(key, "key"), self.batched(value, "value")
        B, Tq, Tk = query.shape[0], query.shape[1], key.shape[1]
        self.sizes = (B, Tq, Tk)
        if mask is not None:
            mask = numpy.asarray(mask)
            if mask.dtype != bool:
                raise TypeError(f"mask is {mask.dtype}, but must be bool")
            try:
                mask = numpy.broadcast_to(mask, self.sizes)
            except ValueError:
                raise ValueError(f"mask has shape {list(mask.shape)}, but must broadcast to {[B, Tq, Tk]}") from None
        self.operands = (query, key, value, integers(key_lengths, "key_lengths"), mask)

    def batched(self, array: Any, name: str) -> Any:
        axes = 2 if self._alone else 3
        if array.ndim != axes:
            raise ValueError(f"{name} has {array.ndim} axes, but must have {axes}, as query does")
        return array[None] if self._alone else array

    def shaped(self, array: Any) -> Any:
        return array[0] if self._alone else array


def _width(value: Any, name: str) -> int:
    return integer(value, name, 1, 65536)


def _refuse_grad(array: Any, name: str) -> None:
    if is_torch(array) and array.requires_grad and sys.modules["torch"].is_grad_enabled():
        raise ValueError(f"{name} requires grad, which attend.nn does not record: detach() it, and call backward()")
