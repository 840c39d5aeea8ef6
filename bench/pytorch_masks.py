"""PyTorch's ways of masks and changed scores, as somebody who knows it writes them."""

import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention


class Way:
    def __init__(self, masked, tensors):
        self.masked = masked
        self.query, self.key, self.value = (tensors[name] for name in ("query", "key", "value"))
        self.output = None

    def forward(self, calls=1):
        with torch.inference_mode():
            for _ in range(calls):
                self.output = self.attention()


class MaskedAttention(Way):
    """Fused attention, with the boolean mask or the bias in full."""

    def __init__(self, masked, tensors):
        super().__init__(masked, tensors)
        self.mask = masked.bias() if masked.change else masked.mask()

    def attention(self):
        return scaled_dot_product_attention(self.query, self.key, self.value, attn_mask=self.mask)


class Unfused(Way):
    """Two products with the softmax between them, in place where that is possible."""

    def attention(self):
        scores = (self.query * self.masked.case.D**-0.5) @ self.key.transpose(-1, -2)
        return self.masked.change(scores, None, None, None).softmax(-1) @ self.value


class FlexAttention(Way):
    """Compiled for the rule, with the tiles that are not seen left out."""

    def __init__(self, masked, tensors):
        super().__init__(masked, tensors)
        case = masked.case
        torch.compiler.reset()  # else several rules count as one that changes
        self.compiled = torch.compile(flex_attention, dynamic=False)
        self.block_mask = self.score_mod = None
        if masked.sees:
            self.block_mask = create_block_mask(lambda b, h, i, j: masked.sees(i, j), None, None, case.Tq, case.keys,
                                                device="cpu")  # fmt: skip
        if masked.change:
            self.score_mod = lambda score, b, h, i, j: masked.change(score, h, i, j)

    def attention(self):
        return self.compiled(self.query, self.key, self.value, score_mod=self.score_mod, block_mask=self.block_mask)
