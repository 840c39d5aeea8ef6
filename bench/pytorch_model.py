"""The network between patch features and words, written for PyTorch as one would without attend.

Module names are the tensor names of attend's models, so that both sides load the same weights. Rows of all
captions lie in one matrix [rows, width]; only attention knows where a caption begins, and is handed in.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Of a caption model; `from_config` reads the JSON that a model file carries."""

    features: int
    grid: int
    patch_layers: int
    patch_heads: int
    patch_hidden: int
    text_layers: int
    text_heads: int
    text_hidden: int
    width: int
    vocabulary: int
    max_length: int
    pre_norm: bool = True
    dropout: float = 0.0
    feature_dropout: float = 0.0
    embedding_dropout: float = 0.0

    @property
    def patches(self):
        return self.grid * self.grid


def split_heads(x, heads):
    """[batch, length, width] -> [batch, heads, length, width / heads]"""
    batch, length, width = x.shape
    return x.view(batch, length, heads, width // heads).transpose(1, 2)


def join_heads(x):
    """[batch, heads, length, width / heads] -> [batch, length, width]"""
    return x.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def remember(self, key_input, value_input):
        """[photos, patches, width] twice -> keys and values [photos, heads, patches, width / heads]"""
        return split_heads(self.key(key_input), self.heads), split_heads(self.value(value_input), self.heads)


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """What encoder and decoder blocks share: a sublayer inside its residual connection."""

    def __init__(self, pre_norm, dropout):
        super().__init__()
        self.pre_norm = pre_norm
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()

    def residual(self, x, norm, sublayer):
        if self.pre_norm:
            return x + self.dropout(sublayer(norm(x)))
        return norm(x + self.dropout(sublayer(x)))


class EncoderBlock(Block):
    def __init__(self, width, heads, hidden, pre_norm, dropout):
        super().__init__(pre_norm, dropout)
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width)
        self.feed_forward = FeedForward(width, hidden)

    def attend(self, x):
        query, key, value = (split_heads(part, self.heads) for part in self.attention.qkv(x).chunk(3, dim=-1))
        return self.attention.out(join_heads(F.scaled_dot_product_attention(query, key, value)))

    def forward(self, x):
        """[photos, patches, width] -> the same"""
        x = self.residual(x, self.norm1, self.attend)
        return self.residual(x, self.norm2, self.feed_forward)


class DecoderBlock(Block):
    def __init__(self, width, heads, hidden, pre_norm, dropout):
        super().__init__(pre_norm, dropout)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.self_attention = SelfAttention(width)
        self.cross_attention = CrossAttention(width, heads)
        self.feed_forward = FeedForward(width, hidden)

    def forward(self, x, attend_to_words, attend_to_photo):
        """x [rows, width] -> the same. attend_to_words(qkv [rows, 3 * width]) and attend_to_photo(query [rows, width])
        return [rows, width]."""
        words, photo = self.self_attention, self.cross_attention
        x = self.residual(x, self.norm1, lambda y: words.out(attend_to_words(words.qkv(y))))
        x = self.residual(x, self.norm2, lambda y: photo.out(attend_to_photo(photo.query(y))))
        return self.residual(x, self.norm3, self.feed_forward)


class PatchEncoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.project = nn.Linear(shape.features, shape.width)
        self.norm_in, self.norm_out = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.rows = nn.Parameter(0.1 * torch.randn(shape.grid, shape.width))
        self.columns = nn.Parameter(0.1 * torch.randn(shape.grid, shape.width))
        self.dropout = nn.Dropout(shape.feature_dropout) if shape.feature_dropout > 0 else nn.Identity()
        self.blocks = nn.ModuleList(
            EncoderBlock(shape.width, shape.patch_heads, shape.patch_hidden, shape.pre_norm, shape.dropout)
            for _ in range(shape.patch_layers))

    def forward(self, features):
        """[photos, patches, features] -> what keys and what values are made of, both [photos, patches, width]"""
        location = (self.rows[:, None] + self.columns[None]).flatten(0, 1)  # [patches, width]
        x = self.dropout(self.norm_in(self.project(features))) + location
        for block in self.blocks:
            x = block(x)
        seen = self.norm_out(x)
        return seen, seen + location


class TextDecoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.max_length, shape.width)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.dropout = nn.Dropout(shape.embedding_dropout) if shape.embedding_dropout > 0 else nn.Identity()
        self.blocks = nn.ModuleList(
            DecoderBlock(shape.width, shape.text_heads, shape.text_hidden, shape.pre_norm, shape.dropout)
            for _ in range(shape.text_layers))
        self.norm = nn.LayerNorm(shape.width)

    def remember(self, key_input, value_input):
        """The photos' keys and values of every layer."""
        return [block.cross_attention.remember(key_input, value_input) for block in self.blocks]

    def forward(self, words, positions, attend_to_words, attend_to_photo):
        """words, positions [rows] -> logits [rows, vocabulary]. The two functions are called as
        attend(layer, projected rows)."""
        x = self.dropout(self.words(words) + self.positions(positions))
        for i, block in enumerate(self.blocks):
            x = block(x, lambda qkv, i=i: attend_to_words(i, qkv), lambda query, i=i: attend_to_photo(i, query))
        return F.linear(self.norm(x), self.words.weight)


class CaptionModel(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.patches = PatchEncoder(shape)
        self.text = TextDecoder(shape)
