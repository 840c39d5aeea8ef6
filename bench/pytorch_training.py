"""Training the caption model in PyTorch, as fast as it goes there.

The captions of a batch are sorted by length and cut into buckets; only within a bucket is there padding, and with
one bucket a length there is none. Rows of all buckets go through linear layers, norms and the output layer as one
matrix. The photo's keys and values are computed once, and all of its captions' rows are queries of one attention.
"""

import time

import torch
from torch.nn import functional as F

from pytorch_captioner import END, START, UNKNOWN
from pytorch_model import split_heads

IGNORED = -100  # the target of rows that do not count


class Move(torch.autograd.Function):
    """x [n, width] -> [m, width]: row i of the result is row there[i] of x. Row j of x is seen at back[j] alone, or,
    when in `unseen`, only where nothing is learned. So both directions are gathers, where autograd's own backward of
    a gather would add up row by row."""

    @staticmethod
    def forward(ctx, x, there, back, unseen):
        ctx.save_for_backward(back, unseen)
        return x.index_select(0, there)

    @staticmethod
    def backward(ctx, dy):
        back, unseen = ctx.saved_tensors
        return dy.index_select(0, back).index_fill_(0, unseen, 0.0), None, None, None


def cut(lengths, buckets):
    """Captions by ascending length, in `buckets` lists (0: one for each length)."""
    order = sorted(range(len(lengths)), key=lambda c: lengths[c])
    if buckets == 0:
        return [[c for c in order if lengths[c] == n] for n in sorted(set(lengths))]
    size = -(-len(order) // buckets)
    return [order[i : i + size] for i in range(0, len(order), size)]


class Batch:
    """features: float16 [photos, patches, features]; captions: of each photo, word ids without start and end."""

    def __init__(self, features, captions, max_length, buckets):
        self.features = features
        owners = [photo for photo, texts in enumerate(captions) for _ in texts]
        texts = [text for photo_texts in captions for text in photo_texts]
        reads = [([START] + text)[:max_length] for text in texts]
        says = [(text + [END])[:max_length] for text in texts]
        self.captions, self.buckets = len(texts), []
        words, positions, targets, rows_of_photo = [], [], [], [[] for _ in captions]
        for members in cut([len(read) for read in reads], buckets):
            longest = len(reads[members[-1]])
            self.buckets.append((len(words), len(members), longest))
            for caption in members:
                n, first = len(reads[caption]), len(words)
                rows_of_photo[owners[caption]] += range(first, first + n)
                words += reads[caption] + [END] * (longest - n)
                targets += [w if w != UNKNOWN else IGNORED for w in says[caption]] + [IGNORED] * (longest - n)
                positions += range(longest)
        self.words, self.positions = torch.tensor(words), torch.tensor(positions)
        self.targets = torch.tensor(targets)
        self.counted = int((self.targets != IGNORED).sum())
        self.seat(rows_of_photo, len(words))

    def seat(self, rows_of_photo, rows):
        """Slots [photos, most rows a photo] for the queries of cross-attention. Padding rows have no slot, and slots
        that no row took hold row 0 again; neither passes a gradient."""
        self.most = max(len(photo_rows) for photo_rows in rows_of_photo)
        slot_row = torch.zeros(len(rows_of_photo), self.most, dtype=torch.int64)
        vacant = torch.ones(len(rows_of_photo), self.most, dtype=torch.bool)
        row_slot = torch.zeros(rows, dtype=torch.int64)
        padding = torch.ones(rows, dtype=torch.bool)
        for photo, photo_rows in enumerate(rows_of_photo):
            slot_row[photo, : len(photo_rows)] = torch.tensor(photo_rows)
            vacant[photo, : len(photo_rows)] = False
            row_slot[photo_rows] = photo * self.most + torch.arange(len(photo_rows))
            padding[photo_rows] = False
        slot_row, vacant = slot_row.flatten(), vacant.flatten().nonzero().flatten()
        self.to_slots = (slot_row, row_slot, padding.nonzero().flatten())
        self.to_rows = (row_slot, slot_row, vacant)


class Trainer:
    def __init__(self, model, rate=4e-4, label_smoothing=0.1, weight_decay=0.01, clip=1.0):
        self.model, self.label_smoothing, self.clip = model, label_smoothing, clip
        matrices = [p for name, p in model.named_parameters() if self.decays(name, p)]
        others = [p for name, p in model.named_parameters() if not self.decays(name, p)]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=rate, fused=True)

    @staticmethod
    def decays(name, parameter):
        places = ("patches.rows", "patches.columns", "text.positions.weight")
        return parameter.dim() > 1 and name not in places

    def loss(self, batch):
        """The mean cross-entropy of the words that count."""
        model, heads = self.model, self.model.shape.text_heads
        memory = model.text.remember(*model.patches(batch.features.float()))

        def attend_to_words(_, qkv):
            attended = []
            for first, captions, length in batch.buckets:
                part = qkv[first : first + captions * length].view(captions, length, 3, heads, -1)
                query, key, value = part.permute(2, 0, 3, 1, 4)
                out = F.scaled_dot_product_attention(query, key, value, is_causal=True)
                attended.append(out.transpose(1, 2).reshape(captions * length, -1))
            return torch.cat(attended)

        def attend_to_photo(layer, query):
            keys, values = memory[layer]
            seated = Move.apply(query, *batch.to_slots).view(len(keys), batch.most, -1)
            out = F.scaled_dot_product_attention(split_heads(seated, heads), keys, values)
            return Move.apply(out.transpose(1, 2).flatten(2).flatten(0, 1), *batch.to_rows)

        logits = model.text(batch.words, batch.positions, attend_to_words, attend_to_photo)
        total = F.cross_entropy(logits, batch.targets, ignore_index=IGNORED, reduction="sum",
                                label_smoothing=self.label_smoothing)
        return total / batch.counted

    def step(self, batch):
        """-> the loss, as a number"""
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(batch)
        loss.backward()
        if self.clip > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip, foreach=True)
        self.optimiser.step()
        return loss.item()


def fastest_buckets(make_trainer, captions, features, max_length, choices):
    """The number of buckets with which PyTorch is fastest on this machine, and the seconds of each choice."""
    seconds = {}
    for buckets in choices:
        trainer, batch = make_trainer(), Batch(features, captions, max_length, buckets)
        trainer.step(batch)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            trainer.step(batch)
            times.append(time.perf_counter() - start)
        seconds[buckets] = min(times)
    return min(seconds, key=seconds.get), seconds
