"""Attention on CPUs: NumPy arrays, PyTorch tensors and whatever speaks DLPack, without a copy.

    out = attend.attention(q, k, v, causal=True)

The contract, in one legend of axes: B batch, Hq query heads, Hkv key/value heads (query head h reads key/value head
h // (Hq // Hkv)), Tq queries, Tk keys, D query/key width, Dv value width.

* Masking is selection: a NaN in a masked key or value reaches neither the output nor a gradient.
* A query that sees no key gets output 0, lse -inf and weights 0. Never NaN.
* The result is a function of the inputs, the options and the instruction set: the same bits for any number of threads.
* Wrong arguments are a ValueError or TypeError that names the argument, the axis and both numbers.

`attend.torch` has PyTorch's `scaled_dot_product_attention` with autograd; `attend.transformers.register()` lets models
of Hugging Face run with `attn_implementation="attend"`.
"""

from ._attend import isas
from ._attend import version as __version__
from ._attention import attention, attention_backward, explain

__all__ = ["__version__", "attention", "attention_backward", "explain", "isas"]
