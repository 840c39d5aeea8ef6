"""Makes training.safetensors: ten steps of PyTorch's AdamW on the small caption model of captioner.safetensors.

The start and the batch are read from that file (see make_captioner.py); the model is written again here as one function of
its parameters. Every step sees the whole batch with all words weighing 1, label smoothing 0.1, gradients of the mean over
words clipped to a norm of 1, a linear warm-up of 4 steps and then a cosine. Holds, for each of the ten steps, `loss` (mean, before the
step), `norm` (before clipping) and `rate`; the parameters after the last step, under their names; and, for the optimiser by
itself, `adamw.start` [3, 7], `adamw.gradients` [6, 3, 7], and where it led with weight decay (`adamw.decayed`) and without
(`adamw.plain`). All float64.

    python3 tests/golden/make_training.py tests/golden/captioner.safetensors tests/golden/training.safetensors
"""
import sys

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
HEADS, GRID, STEPS, WARMUP, RATE, FLOOR, DECAY, CLIP = 2, 2, 10, 4, 0.02, 0.001, 0.1, 1.0

given = load_file(sys.argv[1])
results = {"features", "words", "next_words", "weights", "captions", "photos", "smoothing", "key_input", "value_input",
           "logits", "loss", "look"}
p = {name: tensor.clone().requires_grad_() for name, tensor in given.items()
     if name not in results and not name.endswith(".gradient")}


def linear(name, x):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def norm(name, x):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])


def attend(q, k, v, causal):
    """[T, width] -> [T, width]"""
    q, k, v = (x.unflatten(1, (HEADS, -1)).transpose(0, 1)[None] for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)[0].transpose(0, 1).flatten(1)


def self_attention(name, x, causal):
    return linear(name + ".out", attend(*linear(name + ".qkv", x).chunk(3, 1), causal))


def cross_attention(name, x, seen, located):
    q, k, v = linear(name + ".query", x), linear(name + ".key", seen), linear(name + ".value", located)
    return linear(name + ".out", attend(q, k, v, False))


def feed_forward(name, x):
    return linear(name + ".down", F.gelu(linear(name + ".up", x)))


def blocks(prefix):
    return sorted({".".join(name.split(".")[:3]) for name in p if name.startswith(prefix + ".blocks.")})


def logits_of(features, words):
    location = (p["patches.rows"][:, None] + p["patches.columns"][None]).flatten(0, 1)
    x = norm("patches.norm_in", linear("patches.project", features)) + location
    for b in blocks("patches"):
        x = x + self_attention(b + ".attention", norm(b + ".norm1", x), False)
        x = x + feed_forward(b + ".feed_forward", norm(b + ".norm2", x))
    seen = norm("patches.norm_out", x)
    y = p["text.words.weight"][words] + p["text.positions.weight"][: len(words)]
    for b in blocks("text"):
        y = y + self_attention(b + ".self_attention", norm(b + ".norm1", y), True)
        y = y + cross_attention(b + ".cross_attention", norm(b + ".norm2", y), seen, seen + location)
        y = y + feed_forward(b + ".feed_forward", norm(b + ".norm3", y))
    return norm("text.norm", y) @ p["text.words.weight"].T


def mean_loss():
    words, said = given["words"].long(), given["next_words"].long()
    captions, photos = given["captions"].long().tolist(), given["photos"].long().tolist()
    total = 0.0
    for begin, end in zip(captions, captions[1:]):
        photo = max(i for i, first in enumerate(photos[:-1]) if first <= begin)
        features = given["features"][photo * GRID * GRID : (photo + 1) * GRID * GRID]
        total = total + F.cross_entropy(logits_of(features, words[begin:end]), said[begin:end], label_smoothing=0.1,
                                        reduction="sum")
    return total / len(words)


def multiplies(name):
    """Matrices of linear layers decay; tables of words and positions, gains and biases do not."""
    return p[name].ndim == 2 and not name.startswith(("text.words", "text.positions", "patches.rows", "patches.columns"))


groups = [{"params": [p[n] for n in p if multiplies(n)], "weight_decay": DECAY},
          {"params": [p[n] for n in p if not multiplies(n)], "weight_decay": 0.0}]
optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
schedule = torch.optim.lr_scheduler.SequentialLR(
    optimiser,
    [torch.optim.lr_scheduler.LinearLR(optimiser, 1 / WARMUP, 1.0, WARMUP - 1),
     torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS - WARMUP, FLOOR)], [WARMUP])
losses, norms, rates = [], [], []
for _ in range(STEPS):
    optimiser.zero_grad()
    loss = mean_loss()
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(p.values(), CLIP).item())
    losses.append(loss.item())
    rates.append(schedule.get_last_lr()[0])
    optimiser.step()
    schedule.step()

tensors = {name: tensor.detach().contiguous() for name, tensor in p.items()}
tensors |= {"loss": torch.tensor(losses), "norm": torch.tensor(norms), "rate": torch.tensor(rates)}

torch.manual_seed(5)
start, gradients = torch.randn(3, 7), torch.randn(6, 3, 7) * torch.logspace(-4, 1, 21).reshape(3, 7)
tensors |= {"adamw.start": start.clone(), "adamw.gradients": gradients}
for name, decay in (("adamw.decayed", 0.3), ("adamw.plain", 0.0)):
    value = start.clone().requires_grad_()
    alone = torch.optim.AdamW([value], lr=0.01, betas=(0.8, 0.98), eps=1e-6, weight_decay=decay)
    for gradient in gradients:
        value.grad = gradient.clone()
        alone.step()
    tensors[name] = value.detach().contiguous()
save_file(tensors, sys.argv[2])
