"""PyTorch's attention, as somebody who knows it calls it, and the truth in float64."""

import torch
from torch.nn.functional import scaled_dot_product_attention


class PyTorchAttention:
    def __init__(self, case, tensors):
        self.case = case
        self.inputs = [tensors[name] for name in ("query", "key", "value")]
        self.output_gradient = tensors["output_gradient"]
        self.leaves = [tensor.clone().requires_grad_() for tensor in self.inputs]
        self.output = None

    def attention(self, inputs):
        return scaled_dot_product_attention(
            *inputs, is_causal=self.case.is_causal, enable_gqa=self.case.kv_heads != self.case.Hq)

    def forward(self, calls=1):
        with torch.inference_mode():
            for _ in range(calls):
                self.output = self.attention(self.inputs)

    def prepare_backward(self):
        """The forward pass that backward starts from; its time does not count."""
        self.graph = self.attention(self.leaves)

    def backward(self, calls=1):
        for _ in range(calls):
            self.gradients = torch.autograd.grad(self.graph, self.leaves, self.output_gradient, retain_graph=True)


SAMPLED_ROWS = 64


def rows_of_truth(case, tensors):
    """Rows of the output in float64, of some queries spread over all -> indices, [B, Hq, rows, D]."""
    rows = torch.linspace(0, case.Tq - 1, min(case.Tq, SAMPLED_ROWS)).long()
    query, key, value = (tensors[name].double() for name in ("query", "key", "value"))
    group = case.Hq // case.kv_heads
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    scores = query[:, :, rows] @ key.transpose(-1, -2) / case.D**0.5
    if case.is_causal:
        scores.masked_fill_(torch.arange(case.keys) > rows[:, None], float("-inf"))
    return rows, scores.softmax(-1) @ value


def gradients_of_truth(case, tensors):
    """Gradients in float64 of the whole: for problems whose scores fit."""
    leaves = [tensors[name].double().requires_grad_() for name in ("query", "key", "value")]
    output = scaled_dot_product_attention(*leaves, is_causal=case.is_causal, enable_gqa=case.kv_heads != case.Hq)
    return torch.autograd.grad(output, leaves, tensors["output_gradient"].double())
