"""Makes captioner.safetensors: a small caption model in PyTorch and float64, its logits, loss and gradients.

Two photos with two captions and one, each run alone with an explicit causal mask: none of attend's packing. Holds
the parameters under attend's names, "NAME.gradient" for each, and the batch: features, words, next_words, weights,
captions, photos, smoothing; and what came out: key_input, value_input, logits, loss, and look (the mean over heads
and layers of the cross-attention of every row).

    python3 tests/golden/make_captioner.py tests/golden/captioner.safetensors
"""
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)

FEATURES, GRID, WIDTH, HEADS, HIDDEN = 6, 2, 8, 2, 12
PATCH_LAYERS, TEXT_LAYERS, VOCABULARY, MAX_LENGTH = 1, 2, 11, 7
SMOOTHING = 0.1
CAPTIONS = [[[0, 4, 9, 3], [0, 7, 7, 5, 10, 6]], [[0, 3, 8, 9, 4]]]  # photo, caption, words read; the end (1) follows


def attention(query, key, value, mask=None):
    """[T, width] each -> the attended values and the weights' mean over heads"""
    parts = []
    weights = []
    for q, k, v in zip(query.chunk(HEADS, 1), key.chunk(HEADS, 1), value.chunk(HEADS, 1)):
        scores = q @ k.T / q.shape[1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights.append(scores.softmax(1))
        parts.append(weights[-1] @ v)
    return torch.cat(parts, 1), sum(weights) / HEADS


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x, mask=None):
        return self.out(attention(*self.qkv(x).chunk(3, 1), mask)[0])


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x, key_input, value_input):
        attended, weights = attention(self.query(x), self.key(key_input), self.value(value_input))
        return self.out(attended), weights


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class EncoderBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.feed_forward = SelfAttention(), FeedForward()

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class DecoderBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.self_attention, self.cross_attention, self.feed_forward = SelfAttention(), CrossAttention(), FeedForward()

    def forward(self, x, key_input, value_input):
        mask = torch.ones(len(x), len(x), dtype=torch.bool).tril()
        x = x + self.self_attention(self.norm1(x), mask)
        looked, weights = self.cross_attention(self.norm2(x), key_input, value_input)
        x = x + looked
        return x + self.feed_forward(self.norm3(x)), weights


class PatchEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(FEATURES, WIDTH)
        self.norm_in, self.norm_out = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.rows, self.columns = nn.Parameter(torch.empty(GRID, WIDTH)), nn.Parameter(torch.empty(GRID, WIDTH))
        self.blocks = nn.ModuleList(EncoderBlock() for _ in range(PATCH_LAYERS))

    def forward(self, features):
        location = torch.stack([self.rows[r] + self.columns[c] for r in range(GRID) for c in range(GRID)])
        x = self.norm_in(self.project(features)) + location
        for block in self.blocks:
            x = block(x)
        seen = self.norm_out(x)
        return seen, seen + location


class TextDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(MAX_LENGTH, WIDTH)
        self.blocks = nn.ModuleList(DecoderBlock() for _ in range(TEXT_LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, words, key_input, value_input):
        x = self.words(words) + self.positions(torch.arange(len(words)))
        looks = []
        for block in self.blocks:
            x, weights = block(x, key_input, value_input)
            looks.append(weights)
        return F.linear(self.norm(x), self.words.weight), sum(looks) / TEXT_LAYERS


model = nn.ModuleDict({"patches": PatchEncoder(), "text": TextDecoder()})
for parameter in model.parameters():
    nn.init.normal_(parameter, std=0.5)

tensors, read, said, looks, keys, values = {}, [], [], [], [], []
captions, photos, loss = [0], [0], 0.0
features = torch.randn(len(CAPTIONS), GRID * GRID, FEATURES)
weights = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.0, 1.0, 1.5, -0.5, 1.0, 1.0, 0.25, 1.0, 1.0, 1.0, 1.0])
logits = []
for photo, texts in zip(features, CAPTIONS):
    key_input, value_input = model["patches"](photo)
    keys.append(key_input)
    values.append(value_input)
    for words in texts:
        caption_logits, look = model["text"](torch.tensor(words), key_input, value_input)
        logits.append(caption_logits)
        looks.append(look)
        read += words
        said += words[1:] + [1]
        captions.append(len(read))
    photos.append(len(read))
logits = torch.cat(logits)
losses = F.cross_entropy(logits, torch.tensor(said), label_smoothing=SMOOTHING, reduction="none")
loss = (losses * weights).sum()
loss.backward()

results = {
    "features": features.flatten(0, 1), "words": torch.tensor(read), "next_words": torch.tensor(said),
    "weights": weights, "captions": torch.tensor(captions), "photos": torch.tensor(photos),
    "smoothing": torch.tensor([SMOOTHING]), "key_input": torch.cat(keys), "value_input": torch.cat(values),
    "logits": logits, "loss": loss.reshape(1), "look": torch.cat(looks),
}
for name, tensor in results.items():
    tensors[name] = tensor.detach().double().contiguous()
for name, parameter in model.named_parameters():
    tensors[name] = parameter.detach().contiguous()
    tensors[name + ".gradient"] = parameter.grad.contiguous()
save_file(tensors, sys.argv[1])
