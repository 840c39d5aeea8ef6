"""Random damage to arguments that were right."""

from __future__ import annotations

from typing import Any

import numpy as np

STRANGE_TYPES = [np.float64, np.float16, np.int8, np.int64, np.bool_, np.complex64, ">f4", object]
STRANGE_NUMBERS = [float("nan"), float("inf"), -float("inf"), -1, 0, 1, 3, 2**31, 2**63, -(2**63), 2**70, 1e300, 0.5]
STRANGE_THINGS = [None, "", "bhtd", True, object(), [], [1], [[1]], (1, 2), {}, b"x", np.float32(1), lambda: 1]


class Damage:
    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.huge = 1  # one array a call: two that agree would be work without end

    def one_in(self, n: int) -> bool:
        return int(self.random.integers(n)) == 0

    def choice(self, things: list[Any]) -> Any:
        return things[int(self.random.integers(len(things)))]

    def array(self, x: np.ndarray) -> Any:
        """The array with other axes, strides, sizes or type, or something that is none."""
        axis = int(self.random.integers(x.ndim)) if x.ndim else 0
        damages = [
            lambda: x[..., None],
            lambda: x.swapaxes(axis, 0),
            lambda: np.repeat(x, 2, axis)[(slice(None),) * axis + (slice(None, None, 2),)],
            lambda: np.flip(x, axis),
            lambda: x.astype(self.choice(STRANGE_TYPES)),
            lambda: np.asfortranarray(x),
            lambda: np.delete(x, 0, axis),
            lambda: np.take(x, [], axis),
            lambda: np.repeat(x, 2, axis),
            lambda: np.broadcast_to(np.take(x, [0], axis), x.shape),
            lambda: np.pad(x, 3, constant_values=np.nan if x.dtype.kind == "f" else -1)[(slice(3, -3),) * x.ndim],
            lambda: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
            lambda: self.enormous(x, axis),
            lambda: self.choice(STRANGE_THINGS),
            lambda: x[0] if len(x) else x,
        ]
        return self.choice(damages)() if x.size and x.ndim else self.choice(STRANGE_THINGS)

    def enormous(self, x: np.ndarray, axis: int) -> np.ndarray:
        """2^40 times the same numbers: a shape without memory behind it."""
        if self.huge == 0:
            return x
        self.huge -= 1
        shape = list(x.shape)
        shape[axis] = 2**40
        return np.broadcast_to(np.take(x, [0], axis), shape)

    def value(self, valid: Any) -> Any:
        if isinstance(valid, np.ndarray) and not self.one_in(3):
            return self.array(valid)
        if isinstance(valid, (list, tuple)) and valid and not self.one_in(3):
            damaged = list(valid)
            damaged[int(self.random.integers(len(damaged)))] = self.choice(STRANGE_NUMBERS)
            return type(valid)(damaged)
        return self.choice(STRANGE_NUMBERS + STRANGE_THINGS)

    def arguments(self, valid: dict[str, Any]) -> dict[str, Any]:
        """None to three of them damaged."""
        damaged = dict(valid)
        for _ in range(int(self.random.integers(4))):
            name = self.choice(sorted(damaged))
            damaged[name] = self.value(valid[name])
        return damaged

    def options(self, valid: dict[str, Any]) -> dict[str, Any]:
        """Some of the options."""
        return {name: value for name, value in valid.items() if self.one_in(3)}


def snapshot(thing: Any) -> Any:
    """What must not have changed: every array's bytes, however deep."""
    if isinstance(thing, np.ndarray):
        return thing.tobytes() if thing.size < 2**20 and thing.dtype != object else None
    if isinstance(thing, dict):
        return {name: snapshot(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [snapshot(value) for value in thing]
    return None
