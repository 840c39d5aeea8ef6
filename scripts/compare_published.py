"""Compares `attend caption --model FOLDER` with a live transformers, token for token: makes checkpoints of BLIP, ViT-GPT2
and GIT with random weights and varied configurations, captions photographs with both, and compares the tokens of greedy
search, of beam search and of each checkpoint's own settings, with and without prompts, and the captions' probabilities.

    python scripts/compare_published.py build/release/bin/attend [--seeds N] [--full]

Needs PyTorch, transformers 5.23, safetensors and Pillow. --full adds models of the published sizes.
"""
import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))

import torch
from PIL import Image

import published_checkpoints as published

PHOTOS = os.path.join(ROOT, "examples", "photos")
FULL = [{"name": "BLIP-base", "kind": "blip", "layout": 4, "vision": {"image_size": 384}, "text": {"num_attention_heads": 12},
         "generation": {}},
        {"name": "ViT-GPT2", "kind": "vit-gpt2", "layout": 4, "vision": {}, "text": {}, "generation": {}},
        {"name": "GIT-base", "kind": "git", "layout": 5, "vision": {}, "text": {}, "generation": {}}]


def drawn_case(seed):
    """A configuration that no other seed has."""
    rng = random.Random(seed)
    kind = ("blip", "vit-gpt2", "git")[seed % 3]
    heads, layers = rng.choice([1, 2, 3, 4, 6]), rng.randint(1, 3)
    patch = rng.choice([4, 8, 16])
    vision = published.vision(heads * rng.choice([4, 8, 12]), heads, rng.randint(1, 3), patch * rng.randint(2, 5), patch,
                              layer_norm_eps=rng.choice([1e-12, 1e-6, 1e-5]))
    text_heads = rng.choice([1, 2, 4, 5])
    width = text_heads * rng.choice([4, 8, 16])
    text = (published.gpt_text(width, text_heads, layers, n_inner=rng.choice([None, 3 * width])) if kind == "vit-gpt2" else
            published.bert_text(width, text_heads, layers, **(published.BLIP if kind == "blip" else published.GIT)))
    text["vocab_size"] += rng.randint(0, 40)
    generation = {}
    if kind != "blip":
        generation = {key: value for key, value in {
            "num_beams": rng.choice([2, 3, 5]), "max_length": rng.randint(8, 30), "min_length": rng.choice([0, 5]),
            "length_penalty": rng.choice([-1.0, 0.0, 0.7, 1.0, 2.0]), "no_repeat_ngram_size": rng.choice([0, 2, 3]),
            "repetition_penalty": rng.choice([1.0, 1.3]), "early_stopping": rng.choice([False, True, "never"]),
        }.items() if rng.random() < 0.7 or key == "num_beams"}
    return {"name": f"{kind} {seed}", "kind": kind, "layout": rng.choice([4, 5]), "shards": rng.random() < 0.5,
            "dtype": rng.choice(["float32", "float16", "bfloat16"]), "vision": vision, "text": text,
            "generation": generation}


def attend(program, folder, photo, run):
    options = []
    for key, option in (("num_beams", "--beam"), ("max_length", "--max-length"), ("min_length", "--min-length"),
                        ("length_penalty", "--length-exponent"), ("prompt", "--prompt")):
        if key in run:
            options += [option, str(run[key])]
    answer = subprocess.run([program, "caption", photo, "--model", folder, "--format", "jsonl", "--tokens", *options],
                            capture_output=True, text=True)
    if answer.returncode != 0:
        raise SystemExit(f"attend failed: {answer.stderr}")
    return json.loads(answer.stdout)


def log_probability(case, model, pixels, ids, prompt):
    """Of all tokens after start and prompt."""
    said = len(published.prompt_ids(case, model, prompt))
    return sum(torch.log_softmax(published.logits_after(case, model, pixels, ids[:i]).double(), 0)[ids[i]].item()
               for i in range(said, len(ids)))


def compare(program, case, photos, runs):
    """The number of captions that differ."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        model = published.save_checkpoint(case, folder)
        for photo in photos:
            pixels = published.pixels_of(case, Image.open(photo).convert("RGB"))
            for run in runs:
                theirs = published.generate(case, model, pixels, **run)
                row = attend(program, folder, photo, run)
                same = row["tokens"] == theirs
                if same:
                    expected = log_probability(case, model, pixels, theirs, run.get("prompt"))
                    off = abs(math.log(row["probability"]) - expected)
                    same = off <= 1e-3 * len(theirs)
                    if not same:
                        print(f"{case['name']}, {run}: log-probability off by {off:.2g}")
                else:
                    print(f"{case['name']}, {os.path.basename(photo)}, {run}:\n  transformers {theirs}\n  attend       {row['tokens']}")
                wrong += not same
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=6, help="drawn configurations")
    parser.add_argument("--full", action="store_true", help="the published sizes too")
    arguments = parser.parse_args()
    photos = sorted(os.path.join(PHOTOS, name) for name in os.listdir(PHOTOS) if name.endswith(".jpg"))
    jobs = [(case, published.RUNS) for case in published.CASES]
    jobs += [(drawn_case(seed), published.RUNS) for seed in range(arguments.seeds)]
    if arguments.full:
        jobs += [(case, [{"num_beams": 1, "max_length": 12}, {"num_beams": 3, "max_length": 12}]) for case in FULL]
    wrong = done = 0
    for case, runs in jobs:
        some = photos[:1] if case in FULL else photos[:2]
        failed = compare(arguments.program, case, some, runs)
        wrong, done = wrong + failed, done + len(some) * len(runs)
        print(f"{case['name']}: {len(some) * len(runs) - failed} of {len(some) * len(runs)} captions equal", flush=True)
    print(f"{done - wrong} of {done} captions equal")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
