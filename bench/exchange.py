"""Files that both sides read: models with their configuration, and batches to learn from."""

import dataclasses
import json

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pytorch_captioner import BeamOptions, Captioner
from pytorch_encoder import PhotoEncoder
from pytorch_model import CaptionModel, Shape

# What `attend train` learns when not told otherwise (src/training/training_recipe.h).
DEFAULT_SHAPE = Shape(
    features=1280, grid=9, width=256, vocabulary=4000, max_length=40, patch_layers=1, patch_heads=4, patch_hidden=1024,
    text_layers=3, text_heads=4, text_hidden=1024, dropout=0.2, embedding_dropout=0.3)  # fmt: skip
PATCH_SIDE = 32


def read_model_file(path):
    """Its metadata, and its tensors widened to float32."""
    with safe_open(path, "pt") as file:
        return file.metadata(), {name: file.get_tensor(name).float() for name in file.keys()}


def shape_of(config):
    patches, text = config["patches"], config["text"]
    return Shape(
        features=patches["features"], grid=patches["grid"], width=text["width"], vocabulary=text["vocabulary"],
        max_length=text["max_length"], patch_layers=patches["layers"], patch_heads=patches["heads"],
        patch_hidden=patches["hidden"], text_layers=text["layers"], text_heads=text["heads"],
        text_hidden=text["hidden"], pre_norm=text["norm"] == "pre")  # fmt: skip


def config_of(shape):
    """The inverse of shape_of(), as attend's model files have it (src/captioner/model_config.h)."""
    norm = "pre" if shape.pre_norm else "post"
    side = shape.grid * PATCH_SIDE
    return {
        "squash_side": side,
        "input_side": side,
        "patches": {"features": shape.features, "grid": shape.grid, "layers": shape.patch_layers, "width": shape.width,
                    "heads": shape.patch_heads, "hidden": shape.patch_hidden, "norm": norm},
        "text": {"vocabulary": shape.vocabulary, "max_length": shape.max_length, "layers": shape.text_layers,
                 "width": shape.width, "heads": shape.text_heads, "hidden": shape.text_hidden, "norm": norm},
    }  # fmt: skip


def training_shape(path):
    """The shape of a model file, with the dropout of `attend train`, which model files do not keep."""
    metadata, _ = read_model_file(path)
    return dataclasses.replace(
        shape_of(json.loads(metadata["config"])), dropout=DEFAULT_SHAPE.dropout,
        embedding_dropout=DEFAULT_SHAPE.embedding_dropout)


def load_captioner(path):
    """The captioner of a model file, and the sides of the squares that a photo is resized to on its way in."""
    metadata, tensors = read_model_file(path)
    config = json.loads(metadata["config"])
    model = CaptionModel(shape_of(config))
    model.load_state_dict({name: t for name, t in tensors.items() if not name.startswith("encoder.")})

    def convolution(name):
        weight = tensors.get(f"encoder.{name}.weight")
        return None if weight is None else (weight, tensors[f"encoder.{name}.bias"])

    strides = [int(stride) for stride in metadata["encoder.strides"].split()]
    words = metadata["vocabulary"].split("\n")
    conjunction = words.index("and") if "and" in words else -1
    options = BeamOptions(**json.loads(metadata["generation"]), conjunction=conjunction)
    captioner = Captioner(PhotoEncoder(convolution, strides).eval(), model.eval(), options)
    return captioner, (config["squash_side"], config["input_side"])


def generation_of(options):
    """As model files have it: the conjunction is the vocabulary's."""
    return {name: value for name, value in dataclasses.asdict(options).items() if name != "conjunction"}


def save_training_model(path, model):
    """Weights to start from, float32, for attend_train_bench."""
    shape = model.shape
    dropout = {"blocks": shape.dropout, "embeddings": shape.embedding_dropout, "features": shape.feature_dropout}
    metadata = {"config": json.dumps(config_of(shape)), "generation": json.dumps(generation_of(BeamOptions())),
                "dropout": json.dumps(dropout)}  # fmt: skip
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path, metadata)


def save_batches(path, features, captions):
    """Batches: features float16 [photos, patches, features]; captions of each photo, lists of word ids."""
    tensors = {}
    for i, (batch_features, batch) in enumerate(zip(features, captions)):
        tensors[f"features.{i}"] = batch_features
        tensors[f"lengths.{i}"] = torch.tensor([[len(text) for text in texts] for texts in batch], dtype=torch.int32)
        words = [word for texts in batch for text in texts for word in text]
        tensors[f"words.{i}"] = torch.tensor(words, dtype=torch.int32)
    save_file(tensors, path)
