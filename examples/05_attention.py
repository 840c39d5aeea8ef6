"""Attention from Python: a causal decoder layer's worth, forward and backward."""

import numpy as np

import attend

random = np.random.default_rng(0)
q = random.standard_normal((2, 8, 100, 64), dtype=np.float32)  # [B, Hq, T, D]
k = random.standard_normal((2, 2, 100, 64), dtype=np.float32)  # [B, Hkv, T, D]: four query heads share a key head
v = random.standard_normal((2, 2, 100, 64), dtype=np.float32)

out, lse, weights = attend.attention(q, k, v, causal=True, return_lse=True, return_weights=True)
print("on", attend.isas()[0], "-", attend.explain(q, k, v, causal=True))
print("the last query looks most at key", weights[0, 0, -1].argmax())

dq, dk, dv = attend.attention_backward(np.ones_like(out), q, k, v, out, lse, causal=True)
print("gradients", dq.shape, dk.shape, dv.shape)

try:
    attend.attention(q[:, :, :10], k, v, causal=True)
except ValueError as error:  # where does the diagonal start? Nobody guesses.
    print(error)
