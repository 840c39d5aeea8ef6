"""Makes attention_modules.safetensors: the learned attention modules of attend, written out in PyTorch.

Cases in float64 have the parameters under the names of attend's layers ("CASE.query.weight"), the inputs ("CASE.x",
"CASE.key_input", "CASE.value_input"), the output, the weights, the gradient given to the output ("CASE.dy") and the
gradients of inputs and parameters. Sequences of different lengths lie one after the other; a key of CASE.mask that is 0
is not seen.

"snippet" is the module that many tutorials begin with, in float32:

    query = nn.Linear(128, 128)
    weights = torch.tanh(query(x)) @ keys.T
    out = weights @ values

    python3 tests/golden/make_attention_modules.py tests/golden/attention_modules.safetensors
"""
import math
import sys

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(11)
tensors = {}


def put(name, tensor):
    tensors[name] = tensor.detach().clone().contiguous()


def snippet():
    query = nn.Linear(128, 128)
    x, keys, values = torch.randn(1, 128), torch.randn(100, 128), torch.randn(100, 128)
    weights = torch.tanh(query(x)) @ keys.T
    out = weights @ values
    for name, tensor in (("query.weight", query.weight), ("query.bias", query.bias), ("x", x), ("keys", keys),
                         ("values", values), ("weights", weights), ("out", out)):
        put(f"snippet.{name}", tensor)


QUERIES, KEYS = [3, 0, 5, 1], [7, 2, 4, 0]  # rows of each sequence; the last query has nothing to look at
QUERY, KEY, VALUE, HIDDEN = 5, 9, 11, 17


def parameter(*shape):
    return torch.randn(*shape, dtype=torch.float64).mul(0.5).requires_grad_()


def linear(p, name, x):
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def case(name, score, softmax, projected, masked):
    key_width = 6 if projected else KEY
    query_width = key_width if score in ("dot", "scaled_dot") else QUERY
    p = {}
    if score in ("tanh", "general"):
        p["query.weight"] = parameter(key_width, query_width)
    if score == "tanh":
        p["query.bias"] = parameter(key_width)
    if score == "additive":
        p["query.weight"], p["query.bias"] = parameter(HIDDEN, query_width), parameter(HIDDEN)
        p["compare.weight"], p["score.weight"] = parameter(HIDDEN, key_width), parameter(HIDDEN)
    if projected:
        p["key.weight"], p["key.bias"] = parameter(key_width, KEY), parameter(key_width)
        p["value.weight"], p["value.bias"] = parameter(10, VALUE), parameter(10)
    x = torch.randn(sum(QUERIES), query_width, dtype=torch.float64, requires_grad=True)
    key_input = torch.randn(sum(KEYS), KEY, dtype=torch.float64, requires_grad=True)
    value_input = torch.randn(sum(KEYS), VALUE, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(sum(QUERIES), max(KEYS)) < 0.6 if masked else torch.ones(sum(QUERIES), max(KEYS), dtype=torch.bool)
    keys = linear(p, "key", key_input) if projected else key_input
    values = linear(p, "value", value_input) if projected else value_input

    outs, all_weights = [], []
    row = 0
    for q, k, v in zip(x.split(QUERIES), keys.split(KEYS), values.split(KEYS)):
        seen = mask[row:row + len(q), :len(k)]
        row += len(q)
        if score == "tanh":
            s = torch.tanh(linear(p, "query", q)) @ k.T
        elif score == "general":
            s = linear(p, "query", q) @ k.T
        elif score == "additive":
            hidden = torch.tanh(linear(p, "query", q)[:, None, :] + linear(p, "compare", k)[None, :, :])
            s = hidden @ p["score.weight"]
        else:
            s = q @ k.T / (math.sqrt(key_width) if score == "scaled_dot" else 1)
        if softmax:  # by selection: a row that sees nothing has no weights, where softmax would give NaN
            power = torch.where(seen, torch.exp(s - s.detach().amax(-1, keepdim=True) if len(k) else s), 0)
            total = power.sum(-1, keepdim=True)
            weights = power / torch.where(total > 0, total, 1)
        else:
            weights = torch.where(seen, s, 0)
        outs.append(weights @ v)
        all_weights.append(nn.functional.pad(weights, (0, max(KEYS) - len(k))))
    y = torch.cat(outs)
    dy = torch.randn_like(y)
    y.backward(dy)
    for part, tensor in (("x", x), ("key_input", key_input), ("value_input", value_input), ("y", y), ("dy", dy),
                         ("weights", torch.cat(all_weights)), ("dx", x.grad), ("dkey_input", key_input.grad),
                         ("dvalue_input", value_input.grad)):
        put(f"{name}.{part}", tensor)
    if masked:
        put(f"{name}.mask", mask.double())
    for key, tensor in p.items():
        put(f"{name}.{key}", tensor)
        put(f"{name}.{key}.gradient", tensor.grad)


snippet()
for score in ("tanh", "dot", "scaled_dot", "general", "additive"):
    case(f"{score}.softmax", score, True, False, False)
    case(f"{score}.raw", score, False, False, False)
    case(f"{score}.softmax.projected.masked", score, True, True, True)
    case(f"{score}.raw.projected.masked", score, False, True, True)
save_file(tensors, sys.argv[1])
