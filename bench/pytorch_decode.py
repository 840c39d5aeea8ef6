"""PyTorch's decoding, as somebody who knows it calls it: fused attention of one query over keys and values in place."""

import time

import torch
from torch.nn.functional import scaled_dot_product_attention

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class PyTorchLayers:
    """Caches of several layers, full of the same tokens over and over."""

    def __init__(self, tensors, stored, keys, layers):
        self.query = tensors["query"].to(TYPES[stored])
        sequences = len(self.query)

        def cache(name):
            tokens = tensors[name].to(TYPES[stored])
            return tokens.repeat(sequences, 1, -(-keys // tokens.shape[2]), 1)[:, :, :keys].contiguous()

        self.layers = [(cache("key"), cache("value")) for _ in range(layers)]
        self.output = None

    def turn(self, heads):
        """Seconds of a token through one layer, for the first `heads` query heads."""
        query = self.query[:, :heads].contiguous()

        def run():
            with torch.inference_mode():
                start = time.perf_counter()
                for key, value in self.layers:
                    self.output = scaled_dot_product_attention(query, key, value, enable_gqa=heads != key.shape[1])
                return (time.perf_counter() - start) / len(self.layers)

        return run
