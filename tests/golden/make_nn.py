"""Makes nn.safetensors: layers of PyTorch in float64, their outputs and gradients.

Every case holds the parameters under the names of attend's layers ("CASE.norm1.weight"), the inputs
("CASE.x"), the output ("CASE.y"), the gradient given to the output ("CASE.dy"), the gradients of
the inputs ("CASE.dx") and of the parameters ("CASE.norm1.weight.gradient").

    python3 tests/golden/make_nn.py tests/golden/nn.safetensors
"""
import sys

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)

WIDTH, HEADS, HIDDEN = 8, 2, 12
tensors = {}


def put(name, tensor):
    tensors[name] = tensor.detach().clone().contiguous()


def put_parameters(case, pairs):
    """pairs: (attend's name, a function of a tensor that picks the part, the PyTorch parameter)."""
    for name, pick, parameter in pairs:
        put(f"{case}.{name}", pick(parameter))
        put(f"{case}.{name}.gradient", pick(parameter.grad))


def whole(tensor):
    return tensor


def third(index):
    return lambda tensor: tensor.chunk(3, dim=0)[index]


def randomize(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)


def simple(case, module, x, pairs):
    x = x.clone().requires_grad_()
    y = module(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    for name, tensor in (("x", x), ("y", y), ("dy", dy), ("dx", x.grad)):
        put(f"{case}.{name}", tensor)
    put_parameters(case, pairs(module))


def weight_and_bias(module):
    return [("weight", whole, module.weight), ("bias", whole, module.bias)]


def linear():
    module = nn.Linear(7, 5)
    randomize(module)
    simple("linear", module, torch.randn(6, 7), weight_and_bias)


def layer_norm():
    module = nn.LayerNorm(9)
    randomize(module)
    simple("layer_norm", module, 3 + 2 * torch.randn(5, 9), weight_and_bias)


def gelu():
    simple("gelu", nn.GELU(), torch.linspace(-7, 7, 57).reshape(3, 19), lambda module: [])


def embedding():
    table = torch.randn(11, 6, requires_grad=True)
    ids = torch.tensor([3, 0, 3, 10, 7, 3])
    y = table[ids]
    logits = y @ table.T  # tied output weights
    dlogits = torch.randn_like(logits)
    logits.backward(dlogits)
    put("embedding.ids", ids.double())
    put("embedding.y", y)
    put("embedding.logits", logits)
    put("embedding.dlogits", dlogits)
    put_parameters("embedding", [("weight", whole, table)])


def cross_entropy(case, smoothing, weighted):
    logits = (3 * torch.randn(6, 13)).requires_grad_()
    classes = torch.tensor([0, 12, 5, 5, 1, 7])
    weights = torch.tensor([1.0, 0.5, 0.0, 2.0, 1.0, -0.25]) if weighted else torch.ones(6)
    losses = nn.functional.cross_entropy(logits, classes, label_smoothing=smoothing, reduction="none")
    loss = (losses * weights).sum()
    (loss * 0.125).backward()
    put(f"{case}.x", logits)
    put(f"{case}.classes", classes.double())
    put(f"{case}.weights", weights)
    put(f"{case}.y", loss.reshape(1))
    put(f"{case}.dx", logits.grad)


def attention_pairs(prefix, module):
    return [(f"{prefix}.qkv.weight", whole, module.in_proj_weight), (f"{prefix}.qkv.bias", whole, module.in_proj_bias),
            (f"{prefix}.out.weight", whole, module.out_proj.weight), (f"{prefix}.out.bias", whole, module.out_proj.bias)]


def cross_pairs(prefix, module):
    pairs = []
    for index, part in enumerate(("query", "key", "value")):
        pairs += [(f"{prefix}.{part}.weight", third(index), module.in_proj_weight),
                  (f"{prefix}.{part}.bias", third(index), module.in_proj_bias)]
    return pairs + [(f"{prefix}.out.weight", whole, module.out_proj.weight),
                    (f"{prefix}.out.bias", whole, module.out_proj.bias)]


def norm_pairs(module, count):
    pairs = []
    for i in range(1, count + 1):
        norm = getattr(module, f"norm{i}")
        pairs += [(f"norm{i}.weight", whole, norm.weight), (f"norm{i}.bias", whole, norm.bias)]
    return pairs


def feed_forward_pairs(module):
    return [("feed_forward.up.weight", whole, module.linear1.weight), ("feed_forward.up.bias", whole, module.linear1.bias),
            ("feed_forward.down.weight", whole, module.linear2.weight), ("feed_forward.down.bias", whole, module.linear2.bias)]


def packed(case, lengths, memory_of, memory_lengths, run, pairs):
    """Runs each sequence alone, as packed sequences promise to behave, and stacks what came."""
    x = torch.randn(sum(lengths), WIDTH, requires_grad=True)
    memory = torch.randn(sum(memory_lengths), WIDTH, requires_grad=True) if memory_lengths else None
    memories = memory.split(memory_lengths) if memory_lengths else None
    parts = [run(part.unsqueeze(0), memories[memory_of[s]].unsqueeze(0) if memories else None)
             for s, part in enumerate(x.split(lengths))]
    y = torch.cat([part[0].squeeze(0) for part in parts])
    dy = torch.randn_like(y)
    y.backward(dy)
    for name, tensor in (("x", x), ("y", y), ("dy", dy), ("dx", x.grad)):
        put(f"{case}.{name}", tensor)
    if memory is not None:
        put(f"{case}.memory", memory)
        put(f"{case}.dmemory", memory.grad)
    if parts[0][1] is not None:  # the attention weights, padded with zeros to one width
        widest = max(memory_lengths)
        rows = [nn.functional.pad(part[1].squeeze(0), (0, widest - part[1].shape[-1])) for part in parts]
        put(f"{case}.weights", torch.cat(rows))
    put_parameters(case, pairs)


def causal_mask(length):
    return nn.Transformer.generate_square_subsequent_mask(length)


def self_attention(case, causal):
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    randomize(module)

    def run(x, _):
        mask = causal_mask(x.shape[1]) if causal else None
        return module(x, x, x, attn_mask=mask, need_weights=False)[0], None

    packed(case, [5, 1, 3, 3], None, None, run, attention_pairs("attention", module))


def cross_attention(case):
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    randomize(module)
    packed(case, [4, 2, 5], [0, 1, 2], [6, 3, 3], lambda x, memory: module(x, memory, memory),
           cross_pairs("attention", module))


def encoder_block(case, pre, causal):
    module = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, dropout=0.0, activation="gelu", batch_first=True,
                                        norm_first=pre)
    randomize(module)

    def run(x, _):
        return module(x, src_mask=causal_mask(x.shape[1]) if causal else None), None

    packed(case, [5, 3], None, None, run,
           norm_pairs(module, 2) + attention_pairs("attention", module.self_attn) + feed_forward_pairs(module))


def decoder_block(case, pre):
    module = nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, dropout=0.0, activation="gelu", batch_first=True,
                                        norm_first=pre)
    randomize(module)

    def run(x, memory):
        return module(x, memory, tgt_mask=causal_mask(x.shape[1])), None

    # Two captions of the first photo, one of the second.
    packed(case, [3, 4, 5], [0, 0, 1], [4, 6], run,
           norm_pairs(module, 3) + attention_pairs("self_attention", module.self_attn)
           + cross_pairs("cross_attention", module.multihead_attn) + feed_forward_pairs(module))


def main(path):
    linear()
    layer_norm()
    gelu()
    embedding()
    cross_entropy("cross_entropy", 0.0, False)
    cross_entropy("smoothed_cross_entropy", 0.1, True)
    self_attention("self_attention", False)
    self_attention("causal_self_attention", True)
    cross_attention("cross_attention")
    encoder_block("pre_encoder", True, False)
    encoder_block("post_encoder", False, True)
    decoder_block("pre_decoder", True)
    decoder_block("post_decoder", False)
    save_file(tensors, path, metadata={"made_by": f"make_nn.py with PyTorch {torch.__version__.split('+')[0]}"})


if __name__ == "__main__":
    main(sys.argv[1])
