"""Makes published.json: checkpoints of BLIP, ViT-GPT2 and GIT in miniature, and what transformers 5.23 says with them
about a photograph; and what its image processors and tokenizers make of photographs and texts.

    python tests/golden/make_published.py
"""
import json
import os
import tempfile

import numpy as np
from PIL import Image

from transformers import AddedToken, BertTokenizer, GPT2Tokenizer

import published_checkpoints as published

HERE = os.path.dirname(os.path.abspath(__file__))
PHOTOS = os.path.join(HERE, "..", "..", "examples", "photos")
TEXTS = ["a dog's hat", "The man is RUNNING, on the beach!", "two cafés - 22 snowy dogs", " a\tcat\n in 漢漢 water ",
         "don't", "a surfboard[SEP]dog", "it'll be the dog and  the cat", "x" * 101 + " cat", "I've 1234 dogs…", "<|endoftext|>a cat"]
MORE_TEXTS = ["A Dog Café, a café", "a 漢漢 dog ' s hat . do not !", "x<photo>y a cat foo Foo", "dog the", "",
              "a <one> b<one>c<one> é<one>", "a  <left>  b<left>", "a  <right> \n b<right>", "<S> <s> a<S>[DEC]", "a cat a cats",
              "a\fcat a\x0bcat a\x85cat a\u200bcat a\u0378cat a\ue000cat a\u2028cat", "a \U0001fae9 cat", "İa ΑΣ"]


def tensor_list(folder):
    tensors = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".safetensors"):
            tensors |= {name: list(t.shape) for name, t in published.load_file(os.path.join(folder, file)).items()}
    return dict(sorted(tensors.items()))


def text_files(folder):
    files = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".safetensors") and name != "model.safetensors.index.json":
            files[name] = open(os.path.join(folder, name), encoding="utf-8").read()
    return files


def golden_of(case, image):
    with tempfile.TemporaryDirectory() as folder:
        model = published.save_checkpoint(case, folder)
        pixels = published.pixels_of(case, image)
        start = published.prompt_ids(case, model, None)
        runs = [{**run, "ids": published.generate(case, model, pixels, **run)} for run in published.RUNS]
        longest = max((run["ids"] for run in runs), key=len)[:-1]
        return {"name": case["name"], "dtype": case.get("dtype", "float32"), "shards": bool(case.get("shards")),
                "files": text_files(folder), "tensors": tensor_list(folder), "runs": runs,
                "logits": [{"ids": ids, "values": [round(x, 6) for x in
                                                   published.logits_after(case, model, pixels, ids).tolist()]}
                           for ids in (start, longest)]}


def prepared(kind, name, side):
    image = Image.open(os.path.join(PHOTOS, name)).convert("RGB")
    values = np.asarray(published.image_processor(kind, side)(images=image).pixel_values[0]).ravel()
    picked = np.linspace(0, values.size - 1, 200).astype(int)
    return {"kind": kind, "photo": name, "side": side, "at": picked.tolist(),
            "values": [round(float(x), 6) for x in values[picked]]}


def spelled(tokenizer, texts=TEXTS):
    rows = []
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
    return rows


def as_it_was(folder):
    """A folder that older versions wrote: a token that is added, and named, and how text is put together."""
    published.save_tokenizer("blip", 4, folder)
    published.write_json(folder, "added_tokens.json", {"[DEC]": len(published.WORDS), "Foo": len(published.WORDS) + 1})
    published.write_json(folder, "special_tokens_map.json", {"dec_token": "[DEC]", "mask_token": "Foo", "unk_token": "[UNK]"})
    published.write_json(folder, "tokenizer_config.json", {"do_lower_case": True, "clean_up_tokenization_spaces": True})


def with_settings():
    """Tokenizers whose files say something of how text is read and put together."""
    added = ["<photo>", "a cat", "Foo", AddedToken("<one>", single_word=True), AddedToken("<left>", lstrip=True),
             AddedToken("<right>", rstrip=True, normalized=False), AddedToken("<S>", special=True)]
    vocabulary = {word: i for i, word in enumerate(published.WORDS)}
    merges = [tuple(merge.split()) for merge in published.MERGES]
    bert = [({"do_lower_case": False}, []), ({"strip_accents": False}, []),
            ({"tokenize_chinese_chars": False, "clean_up_tokenization_spaces": True}, []), ({}, added),
            ({"do_lower_case": False}, added)]
    made = [("wordpiece", lambda folder, options=options, more=more: save(BertTokenizer(vocab=vocabulary, **options), more, folder))
            for options, more in bert]
    made += [("byte_level_bpe", lambda folder, more=more: save(
        GPT2Tokenizer(vocab=published.gpt2_vocabulary(), merges=merges, add_prefix_space=True), more, folder)) for more in ([], added)]
    made.append(("wordpiece", as_it_was))
    golden = []
    for kind, make in made:
        with tempfile.TemporaryDirectory() as folder:
            make(folder)
            tokenizer = (BertTokenizer if kind == "wordpiece" else GPT2Tokenizer).from_pretrained(folder)
            golden.append({"kind": kind, "files": text_files(folder), "rows": spelled(tokenizer, TEXTS + MORE_TEXTS)})
    return golden


def save(tokenizer, added, folder):
    tokenizer.add_tokens(added)
    tokenizer.save_pretrained(folder)


def main():
    photos = sorted(name for name in os.listdir(PHOTOS) if name.endswith(".jpg"))
    image = Image.open(os.path.join(PHOTOS, photos[0])).convert("RGB")
    golden = {"photo": photos[0],
              "cases": [golden_of(case, image) for case in published.CASES],
              "prepared": [prepared(kind, name, side) for name in photos[:3]
                           for kind, side in (("blip", 384), ("vit-gpt2", 224), ("git", 224))],
              "tokenizers": with_settings(),
              "wordpiece": spelled(published.bert_tokenizer()), "byte_level_bpe": spelled(published.gpt2_tokenizer())}
    with open(os.path.join(HERE, "published.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
