"""Decoding from Python: two sentences share a prompt, and each token reads a cache instead of the whole text."""

import numpy as np

import attend

random = np.random.default_rng(0)
Hq, Hkv, D = 8, 2, 64


def tokens(batch, heads, count):
    return random.standard_normal((batch, heads, count, D), dtype=np.float32)


cache = attend.KVCache(sequences=2, capacity=256, kv_heads=Hkv, key_width=D, dtype="int8", page_size=16)
cache.append(tokens(1, Hkv, 100), tokens(1, Hkv, 100), sequences=[0])  # the prompt
cache.share(0, 1, 100)  # costs nothing until the sentences part
for _ in range(10):
    cache.append(tokens(2, Hkv, 1), tokens(2, Hkv, 1))
    out = attend.attention_decode(tokens(2, Hq, 1), cache)
print("lengths", cache.lengths, "pages", cache.pages - cache.free_pages, "of", cache.pages)
print(attend.explain_decode(tokens(2, Hq, 1), cache))

# Attention over the prompt and over what followed are each other's complement.
q, k, v = tokens(2, Hq, 1), tokens(2, Hkv, 100), tokens(2, Hkv, 100)
whole = attend.attention(q, k, v)
parts = (attend.attention(q, k[:, :, s], v[:, :, s], return_lse=True) for s in (slice(0, 60), slice(60, 100)))
out, lse = attend.merge(*parts)
print("largest difference after merging", np.abs(out - whole).max())
