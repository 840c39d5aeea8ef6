"""The attention problems that are timed, and their numbers."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Case:
    """Axes as in include/attend/tensor.h; causal is "none" or "upper_left", PyTorch's is_causal."""

    B: int
    Hq: int
    Tq: int
    D: int
    Tk: int = 0  # 0: as many as queries
    Hkv: int = 0  # 0: as many as query heads
    causal: str = "none"
    what: str = ""

    @property
    def keys(self):
        return self.Tk or self.Tq

    @property
    def kv_heads(self):
        return self.Hkv or self.Hq

    @property
    def name(self):
        heads = f"{self.Hq}" if self.kv_heads == self.Hq else f"{self.Hq}/{self.kv_heads}"
        times = f"{self.Tq}" if self.keys == self.Tq else f"{self.Tq}x{self.keys}"
        words = [f"{self.B}, {heads}, {times}, {self.D}", "causal" if self.is_causal else "", self.what]
        return " ".join(word for word in words if word)

    @property
    def is_causal(self):
        return self.causal != "none"

    @property
    def products(self):
        """Multiply-adds of one product of scores, two operations each; half of them under a causal mask."""
        all_of_them = 2 * self.B * self.Hq * self.Tq * self.keys * self.D
        return all_of_them / 2 if self.is_causal else all_of_them

    def tensors(self, seed=1):
        """Normal numbers: query, key, value, output_gradient."""
        generator = torch.Generator().manual_seed(seed)

        def normal(heads, steps):
            return torch.randn(self.B, heads, steps, self.D, generator=generator)

        return {"query": normal(self.Hq, self.Tq), "key": normal(self.kv_heads, self.keys),
                "value": normal(self.kv_heads, self.keys), "output_gradient": normal(self.Hq, self.Tq)}  # fmt: skip


def _with_causal(*axes):
    return [Case(*axes), Case(*axes, causal="upper_left")]


LONG = [*_with_causal(1, 8, 1024, 64), *_with_causal(1, 8, 4096, 64), *_with_causal(1, 16, 2048, 128)]
VISION = [Case(16, 12, 197, 64, what="ViT"), Case(8, 12, 577, 64, what="BLIP")]
SHORT = [
    *(Case(1, 8, T, 64) for T in (1, 4, 8, 16, 32, 64)),
    *(Case(1, 8, T, 64, Tk=197) for T in (1, 5, 20)),
    Case(1, 12, 197, 64),
    Case(1, 12, 577, 64),
    *(Case(1, 8, 577, D) for D in (40, 80, 96, 256)),
    Case(1, 8, 64, 64, Tk=4096),
    Case(1, 1, 4096, 64),
    Case(1, 2, 2048, 64, causal="upper_left"),
]
