"""Makes translation.safetensors: a small Transformer that translates, in PyTorch and float64, and ten steps of its training.

Three pairs of sentences, each run alone: none of attend's packing. Pre-norm blocks, sinusoidal positions (all sines first)
added to embeddings times sqrt(width), one table for source, target and output. Holds the parameters under attend's names, "NAME.gradient"
of the first step for each, and "NAME.after" once all steps are done; the batch: source, sources (offsets), words, next_words,
targets (offsets); `logits` of the first step; and for each of the ten steps `losses` (mean, label smoothing 0.1, before the step),
`norms` (of gradients, before clipping to 1) and `rates` (linear warm-up of 4 steps, then the inverse square root).

    python3 tests/golden/make_translation.py tests/golden/translation.safetensors
"""
import math
import sys

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

torch.manual_seed(12)
torch.set_default_dtype(torch.float64)
VOCABULARY, WIDTH, HEADS, HIDDEN, LAYERS, STEPS, WARMUP, RATE, DECAY = 13, 8, 2, 12, 2, 10, 4, 0.02, 0.1
END, START = 1, 0
PAIRS = [([5, 9, 3], [4, 8]), ([7], [3, 3, 12, 6]), ([4, 11, 10, 6, 8], [5, 9, 7])]


def shapes():
    yield "decoder.words.weight", (VOCABULARY, WIDTH)
    for side, sublayers in (("encoder", ("attention",)), ("decoder", ("self_attention", "cross_attention"))):
        for layer in range(LAYERS):
            name = f"{side}.blocks.{layer}."
            for n in range(len(sublayers) + 1):
                yield from (((name + f"norm{n + 1}.weight"), (WIDTH,)), ((name + f"norm{n + 1}.bias"), (WIDTH,)))
            for sublayer in sublayers:
                parts = ("query", "key", "value", "out") if sublayer == "cross_attention" else ("qkv", "out")
                for part in parts:
                    out = 3 * WIDTH if part == "qkv" else WIDTH
                    yield from ((f"{name}{sublayer}.{part}.weight", (out, WIDTH)), (f"{name}{sublayer}.{part}.bias", (out,)))
            yield from ((name + "feed_forward.up.weight", (HIDDEN, WIDTH)), (name + "feed_forward.up.bias", (HIDDEN,)))
            yield from ((name + "feed_forward.down.weight", (WIDTH, HIDDEN)), (name + "feed_forward.down.bias", (WIDTH,)))
        yield from ((side + ".norm.weight", (WIDTH,)), (side + ".norm.bias", (WIDTH,)))


p = {name: (0.4 * torch.randn(shape)).requires_grad_() for name, shape in shapes()}


def linear(name, x):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def norm(name, x):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])


def attend(q, k, v, causal):
    q, k, v = (x.unflatten(1, (HEADS, -1)).transpose(0, 1)[None] for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)[0].transpose(0, 1).flatten(1)


def self_attention(name, x, causal):
    return linear(name + ".out", attend(*linear(name + ".qkv", x).chunk(3, 1), causal))


def cross_attention(name, x, memory):
    q, k, v = linear(name + ".query", x), linear(name + ".key", memory), linear(name + ".value", memory)
    return linear(name + ".out", attend(q, k, v, False))


def feed_forward(name, x):
    return linear(name + ".down", F.gelu(linear(name + ".up", x)))


def embed(ids):
    place = torch.arange(len(ids))[:, None]
    angle = place * torch.tensor([10000 ** (-i / (WIDTH // 2)) for i in range(WIDTH // 2)])
    return p["decoder.words.weight"][ids] * math.sqrt(WIDTH) + torch.cat([angle.sin(), angle.cos()], 1)


def logits_of(source, words):
    x = embed(source)
    for layer in range(LAYERS):
        b = f"encoder.blocks.{layer}"
        x = x + self_attention(b + ".attention", norm(b + ".norm1", x), False)
        x = x + feed_forward(b + ".feed_forward", norm(b + ".norm2", x))
    memory = norm("encoder.norm", x)
    y = embed(words)
    for layer in range(LAYERS):
        b = f"decoder.blocks.{layer}"
        y = y + self_attention(b + ".self_attention", norm(b + ".norm1", y), True)
        y = y + cross_attention(b + ".cross_attention", norm(b + ".norm2", y), memory)
        y = y + feed_forward(b + ".feed_forward", norm(b + ".norm3", y))
    return norm("decoder.norm", y) @ p["decoder.words.weight"].T


def all_logits():
    return torch.cat([logits_of(torch.tensor(s + [END]), torch.tensor([START] + t)) for s, t in PAIRS])


def offsets(lengths):
    return torch.tensor([sum(lengths[:i]) for i in range(len(lengths) + 1)], dtype=torch.float64)


said = torch.tensor([i for _, t in PAIRS for i in t + [END]])
decays = [n for n in p if p[n].ndim == 2 and n != "decoder.words.weight"]
optimiser = torch.optim.AdamW([{"params": [p[n] for n in decays], "weight_decay": DECAY},
                               {"params": [p[n] for n in p if n not in decays], "weight_decay": 0.0}],
                              lr=RATE, betas=(0.9, 0.98), eps=1e-9)
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimiser, lambda step: min((step + 1) / WARMUP, math.sqrt(WARMUP / (step + 1))))
tensors = {name: value.detach().clone() for name, value in p.items()}
losses, norms, rates = [], [], []
for step in range(STEPS):
    optimiser.zero_grad()
    logits = all_logits()
    loss = F.cross_entropy(logits, said, label_smoothing=0.1)
    loss.backward()
    if step == 0:
        tensors |= {name + ".gradient": value.grad.clone() for name, value in p.items()} | {"logits": logits.detach()}
    norms.append(torch.nn.utils.clip_grad_norm_(p.values(), 1.0).item())
    losses.append(loss.item())
    rates.append(schedule.get_last_lr()[0])
    optimiser.step()
    schedule.step()
tensors |= {name + ".after": value.detach().clone() for name, value in p.items()}
tensors |= {"losses": torch.tensor(losses), "norms": torch.tensor(norms), "rates": torch.tensor(rates),
            "source": torch.tensor([i for s, _ in PAIRS for i in s + [END]]).double(),
            "words": torch.tensor([i for _, t in PAIRS for i in [START] + t]).double(), "next_words": said.double(),
            "sources": offsets([len(s) + 1 for s, _ in PAIRS]), "targets": offsets([len(t) + 1 for _, t in PAIRS])}
save_file({name: value.contiguous() for name, value in tensors.items()}, sys.argv[1])
