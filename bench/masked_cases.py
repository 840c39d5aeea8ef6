"""Attention problems with masks and changed scores, each written once: as a rule of query and key positions."""

from dataclasses import dataclass, field, replace
from typing import Callable, Optional

import torch

from attention_cases import Case

TILE = 64
SAMPLED_ROWS = 64


@dataclass(frozen=True)
class Masked:
    """`sees(i, j)`: whether query i sees key j. `change(score, head, i, j)`: what becomes of a scaled product."""

    case: Case
    sees: Optional[Callable] = None
    change: Optional[Callable] = None
    changes_products: bool = False  # the change is more than something added
    request: dict = field(default_factory=dict)  # how our program is told
    tensors: Callable = dict  # what our program gets besides

    @property
    def name(self):
        return self.case.name

    def visible(self, rows):
        """Of the queries `rows` [rows, 1] -> boolean [rows, Tk]."""
        keys = torch.arange(self.case.keys)
        return self.sees(rows, keys) if self.sees else torch.ones(len(rows), self.case.keys, dtype=torch.bool)

    def mask(self):
        return self.visible(torch.arange(self.case.Tq)[:, None])

    def visible_tiles(self):
        """The share of the tiles of which a query sees anything."""
        tiles = self.mask().unflatten(1, (-1, TILE)).unflatten(0, (-1, TILE)).any(3).any(1)
        return tiles.float().mean().item()

    def bias(self):
        """What is added to the scores of each head, -inf where the key is not seen: [1, Hq, Tq, Tk], float32."""
        rows, keys = torch.arange(self.case.Tq)[:, None], torch.arange(self.case.keys)
        bias = torch.stack([self.change(torch.zeros(()), head, rows, keys) for head in range(self.case.Hq)])
        return bias.masked_fill(~self.mask(), float("-inf"))[None]


def truth(masked, tensors):
    """Rows of the output in float64, of some queries spread over all -> indices, [B, Hq, rows, D]."""
    case = masked.case
    rows, keys = torch.linspace(0, case.Tq - 1, SAMPLED_ROWS).long(), torch.arange(case.keys)
    query, key, value = (tensors[name].double() for name in ("query", "key", "value"))
    scores = query[:, :, rows] @ key.transpose(-1, -2) / case.D**0.5
    if masked.change:
        heads = [masked.change(scores[:, head], head, rows[:, None], keys) for head in range(case.Hq)]
        scores = torch.stack(heads, 1)
    scores = scores.masked_fill(~masked.visible(rows[:, None]), float("-inf"))
    return rows, scores.softmax(-1) @ value


def window(T, size):
    """Each query sees `size` keys, the last its own."""
    return Masked(Case(1, 8, T, 64, causal="upper_left", what=f"window {size}"),
                  sees=lambda i, j: (j <= i) & (i - j < size), request={"window": [size - 1, 0]})  # fmt: skip


def blocks(T, block, share):
    """Each query sees the keys of its own block and of others, chosen at random: a share of all."""
    side = T // block
    chosen = torch.rand(side, side, generator=torch.Generator().manual_seed(1)) < share
    chosen.fill_diagonal_(True)

    masked = Masked(Case(1, 8, T, 64, what=f"{block}-key blocks, boolean mask"),
                    sees=lambda i, j: chosen[i // block, j // block])  # fmt: skip
    return replace(masked, tensors=lambda: {"mask": masked.mask()[None, None]})


def alibi(T):
    """The heads' slopes are powers of two (Press et al. 2022); causal."""
    case = Case(1, 8, T, 64, causal="upper_left", what="ALiBi")
    slopes = 2.0 ** -torch.arange(1, case.Hq + 1)
    return Masked(case, sees=lambda i, j: j <= i, change=lambda s, head, i, j: s - slopes[head] * (i - j).abs(),
                  tensors=lambda: {"alibi_slopes": slopes.reshape(1, -1, 1, 1)})  # fmt: skip


def softcap(T, cap):
    return Masked(Case(1, 8, T, 64, what=f"softcap {cap:g}"), change=lambda s, head, i, j: cap * torch.tanh(s / cap),
                  changes_products=True, request={"softcap": cap})  # fmt: skip


def masked_cases():
    return [window(8192, 256), blocks(8192, 64, 0.25), blocks(8192, 64, 0.1), alibi(4096), softcap(2048, 20.0)]
