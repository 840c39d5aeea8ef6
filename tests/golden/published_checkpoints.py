"""Checkpoints of published captioners, small and with weights that follow from their names, so that a test can make
them again without these libraries. Needs PyTorch, transformers 5.23 and Pillow."""
import json
import math
import os

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (BertTokenizer, BlipConfig, BlipForConditionalGeneration, GitConfig, GitForCausalLM, GPT2Config,
                          GPT2Tokenizer, ViTConfig, VisionEncoderDecoderConfig, VisionEncoderDecoderModel)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

MODELS = {"blip": BlipForConditionalGeneration, "vit-gpt2": VisionEncoderDecoderModel, "git": GitForCausalLM}
PROCESSORS = {"blip": BlipImageProcessorPil, "vit-gpt2": ViTImageProcessorPil, "git": CLIPImageProcessorPil}

WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] a the cat dog man woman surf ##board run ##ning on in with and two red blue "
         "beach grass ball of picture photo ' s , . - ! is sitting standing ##s ##es hat ##t water at snow ##y 2 22 "
         "caf ##e 漢 ##ing n't street car bike plane").split()
MERGES = ["Ġ a", "Ġ t", "h e", "Ġt he", "o g", "Ġ d", "Ġd og", "a t", "Ġ c", "Ġc at", "i n", "in g", "Ġ s", "u r", "Ġs ur",
          "Ġsur f", "Ġ o", "Ġo n", "a n", "an d", "Ġ and", "Ġ m", "Ġm an"]


# ---- weights: src/base/random.h's counter, keyed by the tensor's name

def mix(x):
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9e3779b97f4a7c15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        return x ^ (x >> np.uint64(31))


def name_hash(name):
    """FNV-1a, 64 bits."""
    value = 0xcbf29ce484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return value


def uniform(name, count):
    with np.errstate(over="ignore"):
        state = mix(np.uint64(name_hash(name)))
        bits = mix(state + np.arange(count, dtype=np.uint64) * np.uint64(0xd1342543de82ef95))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def weights_of(name, shape):
    """Spread so that no word is much likelier than the others whatever was said."""
    count = math.prod(shape)
    u = 2.0 * uniform(name, count) - 1.0
    if len(shape) == 1:
        values = 1.0 + 0.3 * u if name.endswith("weight") else 0.2 * u
    elif "embedding" in name or "token" in name or ".wte." in name or ".wpe." in name:
        values = 0.6 * u
    else:
        values = 1.7 / math.sqrt(count // shape[0]) * u
    return values.astype(np.float32).reshape(shape)


# ---- folders

def byte_characters():
    """GPT-2's printable character of each byte."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    free = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(free)) for byte in range(256)]


def bert_tokenizer():
    return BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})


def gpt2_vocabulary():
    tokens = byte_characters() + [merge.replace(" ", "") for merge in MERGES] + ["<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}


def gpt2_tokenizer():
    return GPT2Tokenizer(vocab=gpt2_vocabulary(), merges=[tuple(merge.split()) for merge in MERGES])


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


def save_tokenizer(kind, layout, folder):
    if layout == 5:
        (gpt2_tokenizer() if kind == "vit-gpt2" else bert_tokenizer()).save_pretrained(folder)
    elif kind == "vit-gpt2":
        write_json(folder, "vocab.json", gpt2_vocabulary())
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
            file.write("#version: 0.2\n" + "".join(merge + "\n" for merge in MERGES))
        write_json(folder, "special_tokens_map.json", {"eos_token": {"content": "<|endoftext|>"}})
    else:
        with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
            file.write("".join(word + "\n" for word in WORDS))
        write_json(folder, "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})


def image_processor(kind, side):
    if kind == "git":
        return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    return PROCESSORS[kind](size={"height": side, "width": side})


def save_processor(kind, layout, side, folder):
    settings = image_processor(kind, side).to_dict()
    if layout == 5 and kind != "vit-gpt2":
        write_json(folder, "processor_config.json", {"image_processor": settings})
        return
    if layout == 4:  # as old files spell it
        settings["size"] = side
        if "crop_size" in settings:
            settings["crop_size"] = side
    write_json(folder, "preprocessor_config.json", settings)


def make_model(case):
    kind, vision, text = case["kind"], case["vision"], case["text"]
    if kind == "blip":
        config = BlipConfig(vision_config=vision, text_config=text, tie_word_embeddings=case.get("tied", True))
    elif kind == "git":
        config = GitConfig(vision_config=vision, **text)
    else:
        config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**vision), GPT2Config(**text))
    model = MODELS[kind](config).eval()
    if kind == "vit-gpt2":
        model.generation_config.decoder_start_token_id = model.config.decoder.bos_token_id
    for key, value in case.get("generation", {}).items():
        setattr(model.generation_config, key, value)
    return model


def without(config, keys):
    """`config` without the fields "a.b" that `keys` name."""
    for key in keys:
        part = config
        *path, last = key.split(".")
        for name in path:
            part = part[name]
        del part[last]


def save_checkpoint(case, folder):
    """Writes the case's checkpoint; returns it as transformers loads it."""
    os.makedirs(folder, exist_ok=True)
    make_model(case).save_pretrained(folder)
    path = os.path.join(folder, "model.safetensors")
    shapes = {name: list(tensor.shape) for name, tensor in load_file(path).items()}
    shapes |= {name: shapes[twin] for name, twin in case.get("twins", {}).items()}
    tensors = {name: torch.from_numpy(weights_of(name, shape)) for name, shape in shapes.items()
               if name not in case.get("left out", [])}
    dtype = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[case.get("dtype", "float32")]
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    save_file(tensors, path, {"format": "pt"})
    if case.get("shards"):
        shard(tensors, folder)
    config = json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
    without(config, case.get("missing", []))
    write_json(folder, "config.json", config)
    save_tokenizer(case["kind"], case["layout"], folder)
    save_processor(case["kind"], case["layout"], case["vision"].get("image_size", 224), folder)
    # In float32 whatever the file has: rounding the activations too is not the program's way.
    return MODELS[case["kind"]].from_pretrained(folder, dtype=torch.float32).eval()


def shard(tensors, folder):
    names = sorted(tensors)
    half = len(names) // 2
    files = {"model-00001-of-00002.safetensors": names[:half], "model-00002-of-00002.safetensors": names[half:]}
    for file, part in files.items():
        save_file({name: tensors[name] for name in part}, os.path.join(folder, file), {"format": "pt"})
    write_json(folder, "model.safetensors.index.json",
               {"metadata": {}, "weight_map": {name: file for file, part in files.items() for name in part}})
    os.remove(os.path.join(folder, "model.safetensors"))


# ---- what transformers says

def prompt_ids(case, model, prompt):
    """Start and prompt, as the model's own processor and its documentation put them together."""
    kind = case["kind"]
    if kind == "vit-gpt2":
        start = model.generation_config.decoder_start_token_id
        words = gpt2_tokenizer()(prompt, add_special_tokens=False).input_ids if prompt else []
    else:
        start = model.config.text_config.bos_token_id if kind == "blip" else model.generation_config.bos_token_id
        words = bert_tokenizer()(prompt, add_special_tokens=False).input_ids if prompt else []
    return [start, *words]


@torch.no_grad()
def generate(case, model, pixels, prompt=None, **options):
    ids = torch.tensor([prompt_ids(case, model, prompt)])
    if case["kind"] == "blip":
        inputs = {"input_ids": torch.cat([ids, torch.tensor([[3]])], dim=1)} if prompt else {}
    elif case["kind"] == "git":
        inputs = {"input_ids": ids} if prompt else {}
    else:
        inputs = {"decoder_input_ids": ids} if prompt else {}
    return model.generate(pixel_values=pixels, **inputs, **options)[0].tolist()


@torch.no_grad()
def logits_after(case, model, pixels, ids):
    """Of the token after `ids`."""
    ids = torch.tensor([ids])
    if case["kind"] == "vit-gpt2":
        return model(pixel_values=pixels, decoder_input_ids=ids).logits[0, -1]
    return model(pixel_values=pixels, input_ids=ids).logits[0, -1]


def pixels_of(case, image):
    side = case["vision"].get("image_size", 224)
    return torch.tensor(np.asarray(image_processor(case["kind"], side)(images=image).pixel_values[0]))[None]


# ---- the cases

def vision(width, heads, layers, side, patch, **more):
    return {"hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": layers, "image_size": side,
            "patch_size": patch, "intermediate_size": 2 * width, **more}


def bert_text(width, heads, layers, **more):
    return {"hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": layers, "vocab_size": 60,
            "intermediate_size": 3 * width, "max_position_embeddings": 48, **more}


def gpt_text(width, heads, layers, **more):
    return {"n_embd": width, "n_head": heads, "n_layer": layers, "n_positions": 48, "vocab_size": 280,
            "bos_token_id": 279, "eos_token_id": 279, **more}


BLIP_WORDS, BLIP_HEAD = "text_decoder.bert.embeddings.word_embeddings.weight", "text_decoder.cls.predictions."
GPT_WORDS, GPT_HEAD = "decoder.transformer.wte.weight", "decoder.lm_head.weight"
GIT_WORDS = "git.embeddings.word_embeddings.weight"
BLIP = {"bos_token_id": 59, "sep_token_id": 3}
GIT = {"bos_token_id": 2, "eos_token_id": 3}
CASES = [
    {"name": "blip", "kind": "blip", "layout": 4, "vision": vision(24, 3, 2, 32, 8),
     "text": bert_text(32, 4, 2, **BLIP), "missing": ["text_config.encoder_hidden_size"]},
    {"name": "blip-defaults", "kind": "blip", "layout": 5, "shards": True,
     "vision": vision(36, 12, 1, 48, 16, layer_norm_eps=1e-3), "text": bert_text(40, 8, 3, hidden_act="relu", **BLIP),
     "missing": ["text_config.num_attention_heads", "vision_config.num_attention_heads", "text_config.layer_norm_eps",
                 "text_config.pad_token_id", "tie_word_embeddings", "vision_config.patch_size"]},
    {"name": "vit-gpt2", "kind": "vit-gpt2", "layout": 4, "vision": vision(32, 4, 2, 32, 8),
     "text": gpt_text(32, 2, 2), "generation": {"max_length": 14, "num_beams": 2}},
    {"name": "vit-gpt2-projected", "kind": "vit-gpt2", "layout": 5, "dtype": "float16", "shards": True,
     "vision": vision(20, 5, 2, 24, 8, qkv_bias=False, hidden_act="gelu_new"),
     "text": gpt_text(24, 3, 3, n_inner=56, scale_attn_by_inverse_layer_idx=True),
     "generation": {"no_repeat_ngram_size": 2, "repetition_penalty": 1.4, "num_beams": 3, "early_stopping": True, "length_penalty": 2.0}},
    {"name": "git", "kind": "git", "layout": 5, "vision": vision(24, 2, 2, 32, 8), "text": bert_text(32, 4, 2, **GIT),
     "generation": {"min_length": 6, "num_beams": 2, "early_stopping": "never", "length_penalty": 0.5}},
    {"name": "git-bfloat16", "kind": "git", "layout": 4, "dtype": "bfloat16", "vision": vision(16, 4, 1, 48, 16),
     "text": bert_text(24, 3, 3, layer_norm_eps=1e-6, **GIT), "missing": ["vision_config.hidden_act", "hidden_act"]},
    # What is called tied and is not, what is kept under its other name, and what is not tied.
    {"name": "blip-own-head", "kind": "blip", "layout": 4, "vision": vision(16, 2, 1, 32, 16), "text": bert_text(16, 2, 1, **BLIP),
     "twins": {BLIP_HEAD + "decoder.weight": BLIP_WORDS, BLIP_HEAD + "decoder.bias": BLIP_HEAD + "bias"}},
    {"name": "blip-head-alone", "kind": "blip", "layout": 4, "vision": vision(16, 2, 1, 32, 16), "text": bert_text(16, 2, 1, **BLIP),
     "tied": False, "twins": {BLIP_HEAD + "decoder.weight": BLIP_WORDS, BLIP_HEAD + "decoder.bias": BLIP_HEAD + "bias"},
     "left out": [BLIP_WORDS, BLIP_HEAD + "bias"]},
    {"name": "blip-untied", "kind": "blip", "layout": 4, "tied": False, "vision": vision(16, 2, 1, 32, 16),
     "text": bert_text(16, 2, 1, tie_word_embeddings=False, **BLIP)},
    {"name": "vit-gpt2-own-head", "kind": "vit-gpt2", "layout": 4, "vision": vision(16, 2, 1, 32, 16), "text": gpt_text(16, 2, 1),
     "twins": {GPT_HEAD: GPT_WORDS}, "generation": {"min_length": 12, "min_new_tokens": 2}},
    {"name": "vit-gpt2-head-alone", "kind": "vit-gpt2", "layout": 4, "vision": vision(16, 2, 1, 32, 16), "text": gpt_text(16, 2, 1),
     "twins": {GPT_HEAD: GPT_WORDS}, "left out": [GPT_WORDS]},
    {"name": "git-head-alone", "kind": "git", "layout": 4, "vision": vision(16, 2, 1, 32, 16),
     "text": bert_text(16, 2, 1, tie_word_embeddings=True, **GIT), "twins": {"output.weight": GIT_WORDS}, "left out": [GIT_WORDS],
     "generation": {"min_length": 10, "min_new_tokens": 3}},
]
RUNS = [{}, {"num_beams": 3}, {"num_beams": 1}, {"num_beams": 4, "max_length": 9}, {"num_beams": 3, "length_penalty": -1.0},
        {"num_beams": 3, "prompt": "a cat"}, {"num_beams": 1, "prompt": "The Surfboard, and", "max_length": 20}]
