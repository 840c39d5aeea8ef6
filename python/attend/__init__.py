"""Attention on CPUs: NumPy arrays, PyTorch tensors and whatever speaks DLPack, without a copy.

    out = attend.attention(q, k, v, causal=True)

The contract, in one legend of axes: B batch, Hq query heads, Hkv key/value heads (query head h reads key/value head
h // (Hq // Hkv)), Tq queries, Tk keys, D query/key width, Dv value width.

* Masking is selection: a NaN in a masked key or value reaches neither the output nor a gradient.
* A query that sees no key gets output 0, lse -inf and weights 0. Never NaN.
* The result is a function of the inputs, the options and the instruction set: the same bits for any number of threads.
* It works in a child of fork() too, as multiprocessing makes them: there threads are started anew for each call.
* Wrong arguments are a ValueError or TypeError that names the argument, the axis and both numbers. TypeError is for
  what is of a wrong type, or of a type or for an instruction set that there is no kernel for here.

attention_varlen() takes sequences of different lengths packed one after the other. A KVCache keeps keys and values
between calls, and attention_decode() asks it with the next tokens' queries; merge() joins attention over disjoint keys.
Captioner says what is in a photo, where the package was built with it.

`attend.torch` has PyTorch's `scaled_dot_product_attention` with autograd; `attend.transformers.register()` lets models
of Hugging Face run with `attn_implementation="attend"`.
"""

from ._attend import isas
from ._attend import version as __version__
from ._attention import attention, attention_backward, explain
from ._caption import Caption, Captioner, Word
from ._decode import attention_decode, explain_decode, merge
from ._kv_cache import KVCache, KVPages, kv_append
from ._rope import rope, rope_table
from ._varlen import attention_varlen, attention_varlen_backward, explain_varlen

__all__ = [
    "Caption",
    "Captioner",
    "KVCache",
    "KVPages",
    "Word",
    "__version__",
    "attention",
    "attention_backward",
    "attention_decode",
    "attention_varlen",
    "attention_varlen_backward",
    "explain",
    "explain_decode",
    "explain_varlen",
    "isas",
    "kv_append",
    "merge",
    "rope",
    "rope_table",
]
