#!/usr/bin/env python3
"""Makes vision_*.safetensors: what PyTorch and Pillow say about small inputs.

    pip install torch numpy pillow safetensors efficientnet_lite_pytorch==0.1.0
    tests/golden/make_vision.py

vision_encoder.safetensors   a tiny EfficientNet-Lite with random weights (float16), converted as the pretrained ones are by
                             scripts/convert_efficientnet.py; photos at two sizes and the features that PyTorch computes.
vision_squash.safetensors    photos of odd sizes, and what Pillow's BICUBIC makes of them.
vision_jpeg.safetensors      a JPEG file with subsampled colours, as bytes, and the pixels that Pillow decodes.
"""

import io
import pathlib
import sys

import numpy as np
import torch
from efficientnet_lite_pytorch.model import EfficientNet
from efficientnet_lite_pytorch.utils import BlockDecoder, get_model_params
from PIL import Image
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
import convert_efficientnet as convert  # noqa: E402

# Widths are a tenth of these. A stage that begins with stride 1 must change its width: the package leaves the residual out
# there whatever the widths, the network does not, and in the real ones the question never arises.
BLOCKS = ["r1_k3_s11_e1_i32_o160", "r2_k3_s22_e4_i160_o24", "r2_k5_s22_e3_i24_o40", "r1_k3_s22_e4_i40_o80",
          "r2_k5_s11_e2_i80_o112", "r1_k3_s22_e3_i112_o320"]
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 2]


def scene(width, height, seed):
    """Something with what photographs have: slopes, edges, texture, and full black and white. [height, width, 3] uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 128 + 100 * np.sin(x * y / 40)], -1)
    image += rng.normal(0, 12, image.shape)
    image[(x - width / 2) ** 2 + (y - height / 3) ** 2 < (min(width, height) / 4) ** 2] = (250, 240, 10)
    image[height // 2:height // 2 + 2] = 0
    image[:, width // 3:width // 3 + 2] = 255
    return image.clip(0, 255).astype(np.uint8)


def randomise(network, seed):
    """Weights and running statistics that keep activations in ReLU6's range, some of them clipped at either end."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, mean, deviation):
        tensor.copy_(mean + deviation * torch.randn(tensor.shape, generator=generator))

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                fan_in = module.weight[0].numel()
                normal(module.weight, 0, (2 / fan_in) ** 0.5)
            elif isinstance(module, torch.nn.BatchNorm2d):
                normal(module.weight, 0.9, 0.2)
                normal(module.bias, 0.3, 0.5)
                normal(module.running_mean, 0, 0.3)
                module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))


def unfold(network, stored):
    """Puts the folded, rounded weights back, so that PyTorch computes with what the file holds."""
    state = {key: value.clone() for key, value in network.state_dict().items()}

    def put(convolution, batch_norm, name):
        state[f"{convolution}.weight"] = torch.from_numpy(stored[f"encoder.{name}.weight"].astype(np.float32))
        ones = torch.ones_like(state[f"{batch_norm}.weight"])
        state[f"{batch_norm}.weight"] = ones
        state[f"{batch_norm}.running_var"] = ones - convert.BATCH_NORM_EPSILON
        state[f"{batch_norm}.running_mean"] = torch.zeros_like(ones)
        state[f"{batch_norm}.bias"] = torch.from_numpy(stored[f"encoder.{name}.bias"].astype(np.float32))

    put("_conv_stem", "_bn0", "stem")
    put("_conv_head", "_bn1", "head")
    for n in range(len(STRIDES)):
        if f"_blocks.{n}._expand_conv.weight" in state:
            put(f"_blocks.{n}._expand_conv", f"_blocks.{n}._bn0", f"blocks.{n}.expand")
        put(f"_blocks.{n}._depthwise_conv", f"_blocks.{n}._bn1", f"blocks.{n}.depthwise")
        put(f"_blocks.{n}._project_conv", f"_blocks.{n}._bn2", f"blocks.{n}.project")
    network.load_state_dict(state)


def make_encoder():
    _, parameters = get_model_params("efficientnet-lite0", {"width_coefficient": 0.1, "fix_head_stem": False,
                                                            "image_size": None})
    network = EfficientNet(BlockDecoder.decode(BLOCKS), parameters).eval()
    randomise(network, seed=1)
    exact = convert.fold_all(network.state_dict(), len(STRIDES))
    tensors = {name: np.ascontiguousarray(t, np.float16) for name, t in exact.items()}
    unfold(network, tensors)
    network.double()
    for name, (width, height) in {"wide": (96, 64), "square": (32, 32)}.items():
        photo = scene(width, height, seed=width)
        pixels = (torch.from_numpy(photo).permute(2, 0, 1)[None].double() - 127) / 128
        with torch.no_grad():
            features = network.extract_features(pixels)[0]  # [channels, height / 32, width / 32]
        tensors[f"{name}.photo"] = photo
        tensors[f"{name}.features"] = features.permute(1, 2, 0).reshape(-1, features.shape[0]).float().numpy().copy()
        clipped = [(features == bound).double().mean().item() for bound in (0, 6)]
        print(f"{name}: features {tuple(features.shape)}, at 0: {clipped[0]:.2f}, at 6: {clipped[1]:.2f}")
    save_file(tensors, HERE / "vision_encoder.safetensors",
              convert.metadata("random", STRIDES, "tests/golden/make_vision.py", "Apache-2.0"))


def make_squash():
    tensors = {}
    for width, height, side in [(61, 47, 32), (47, 61, 20), (19, 23, 32), (32, 50, 32), (32, 32, 32), (101, 3, 17), (1, 1, 4),
                                (7, 120, 9)]:
        photo = scene(width, height, seed=width + height)
        # Two calls, since Pillow 13 takes the columns first where the width grows and the height shrinks; before, never.
        rows = Image.fromarray(photo).resize((side, height), Image.BICUBIC)
        squashed = np.asarray(rows.resize((side, side), Image.BICUBIC))
        tensors[f"{width}x{height}.photo"], tensors[f"{width}x{height}.squashed"] = photo, squashed
    save_file(tensors, HERE / "vision_squash.safetensors")


def make_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(scene(50, 37, seed=5)).save(buffer, "JPEG", quality=85, subsampling="4:2:0")
    pixels = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    save_file({"file": np.frombuffer(buffer.getvalue(), np.uint8), "pixels": pixels}, HERE / "vision_jpeg.safetensors")


if __name__ == "__main__":
    make_encoder()
    make_squash()
    make_jpeg()
