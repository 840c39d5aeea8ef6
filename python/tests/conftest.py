import numpy as np
import pytest


@pytest.fixture
def operands():
    """Makes q, k, v in float32 and [B, H, T, D], the same every time."""

    def make(B=2, Hq=4, Hkv=2, Tq=5, Tk=7, D=8, Dv=6, dtype=np.float32):
        random = np.random.default_rng(11)
        shapes = (B, Hq, Tq, D), (B, Hkv, Tk, D), (B, Hkv, Tk, Dv)
        return tuple(random.standard_normal(shape).astype(dtype) for shape in shapes)

    return make
