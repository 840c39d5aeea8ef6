"""A translation model of ours as CTranslate2 reads it: the same numbers, in float32."""

import json
import math

import ctranslate2
import numpy as np
import sentencepiece
from safetensors import safe_open


def waves(places, width):
    """Sinusoidal positions, all sines first (Vaswani et al. 2017, section 3.5)."""
    half = width // 2
    rates = np.exp(-math.log(10000) * np.arange(half) / half)
    angles = np.arange(places)[:, None] * rates[None, :]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


class OurModel:
    """The tensors and the pieces of a model file."""

    def __init__(self, path):
        with safe_open(path, "np") as file:
            self.config = json.loads(file.metadata()["config"])
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}
        self.pieces = sentencepiece.SentencePieceProcessor(model_proto=self.tensors.pop("pieces").tobytes())

    def __getitem__(self, name):
        return self.tensors[name].astype(np.float32)

    def token(self, number):
        return self.pieces.id_to_piece(number)

    @property
    def vocabulary(self):
        return [self.token(number) for number in range(self.config["decoder"]["pieces"])]


def set_norm(spec, model, name):
    spec.gamma, spec.beta = model[f"{name}.weight"], model[f"{name}.bias"]


def set_linear(spec, model, *names):
    """The linear layers `names` below each other."""
    spec.weight = np.concatenate([model[f"{name}.weight"] for name in names])
    spec.bias = np.concatenate([model[f"{name}.bias"] for name in names])


def set_self_attention(spec, model, name):
    set_linear(spec.linear[0], model, f"{name}.qkv")
    set_linear(spec.linear[1], model, f"{name}.out")


def set_feed_forward(spec, model, name, norm):
    set_norm(spec.layer_norm, model, norm)
    set_linear(spec.linear_0, model, f"{name}.up")
    set_linear(spec.linear_1, model, f"{name}.down")


def set_encoder(spec, model):
    for number, layer in enumerate(spec.layer):
        block = f"encoder.blocks.{number}"
        set_norm(layer.self_attention.layer_norm, model, f"{block}.norm1")
        set_self_attention(layer.self_attention, model, f"{block}.attention")
        set_feed_forward(layer.ffn, model, f"{block}.feed_forward", f"{block}.norm2")
    set_norm(spec.layer_norm, model, "encoder.norm")


def set_decoder(spec, model):
    for number, layer in enumerate(spec.layer):
        block = f"decoder.blocks.{number}"
        set_norm(layer.self_attention.layer_norm, model, f"{block}.norm1")
        set_self_attention(layer.self_attention, model, f"{block}.self_attention")
        set_norm(layer.attention.layer_norm, model, f"{block}.norm2")
        cross = f"{block}.cross_attention"
        set_linear(layer.attention.linear[0], model, f"{cross}.query")
        set_linear(layer.attention.linear[1], model, f"{cross}.key", f"{cross}.value")
        set_linear(layer.attention.linear[2], model, f"{cross}.out")
        set_feed_forward(layer.ffn, model, f"{block}.feed_forward", f"{block}.norm3")
    set_norm(spec.layer_norm, model, "decoder.norm")


def convert(model, special, folder):
    """Writes the model into `folder`. `special` are the numbers of the pieces that start, end and stand for the unknown."""
    encoder, decoder = model.config["encoder"], model.config["decoder"]
    if encoder["norm"] != "pre" or decoder["norm"] != "pre":
        raise SystemExit("bench: only a pre-norm model is compared")
    spec = ctranslate2.specs.TransformerSpec.from_config(
        (encoder["layers"], decoder["layers"]), decoder["heads"], pre_norm=True,
        activation=ctranslate2.specs.Activation.GELU)
    positions = waves(decoder["max_length"], decoder["width"])
    spec.encoder.position_encodings.encodings = spec.decoder.position_encodings.encodings = positions
    words = model["decoder.words.weight"]
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = spec.decoder.projection.weight = words
    set_encoder(spec.encoder, model)
    set_decoder(spec.decoder, model)
    spec.register_source_vocabulary(model.vocabulary)
    spec.register_target_vocabulary(model.vocabulary)
    start, end, unknown = (model.token(special[name]) for name in ("start", "end", "unknown"))
    spec.config.bos_token = spec.config.decoder_start_token = start
    spec.config.eos_token, spec.config.unk_token = end, unknown
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize()
    folder.mkdir(exist_ok=True)
    spec.save(str(folder))
