"""Writes evaluation.json: captions of our own making, with the words and scores that pycocoevalcap gives them.

    pip install pycocoevalcap     (and a Java run time for its tokenizer)
    python make_evaluation.py [DATA]

DATA is a folder with flickr8k/captions.tsv and coco/captions.tsv. Their captions are not ours to copy, so only numbers are kept of
them: the scores of a set of candidates that scores_test.cc makes in the same way, and a digest of all their words.
"""

import json
import pathlib
import random
import sys

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

HERE = pathlib.Path(__file__).parent
RANDOM = random.Random(8091)

WHO = ["a dog", "two dogs", "a brown dog", "a little girl", "three children", "an old man", "a man's son", "people", "a skier",
       "the boys' team", "a T-shirted boy", "a black-and-white cat", "Mr. Brown", "a young woman", "a group of friends"]
DOES = ["runs", "is running", "jumps", "sits", "doesn't stand", "is playing", "can't swim", "climbs", "waits", "won't move"]
WHERE = ["on the beach", "through tall grass", "in the snow", "at 8:30pm", "near a fence", "down U.S. Route 66", "by the pool",
         "in front of a red-brick wall", "across the street", "at the o'clock tower", "under a tree, alone", "on St. John's Rd."]
END = ["", " .", ".", "!", " (seen from above).", ", it's said.", " ; \"wow\"", "...", " -- again", " & again", "?!"]

SENTENCES = [
    "A dog's bone, isn't it?", "They're at the '90s party; we've seen 'em.", "I'd say he'll come, but I'm not sure.", "He cannot go. Gonna stay, gotta run.",
    "'Tis the season, 'twas the night.", "rock 'n' roll and rock'n'roll", "y'all, ma'am and d'Artagnan ate hors d'oeuvres at 5 o'clock",
    "the graffiti'ed wall of Hawai'i", "ol' somethin' on the c'mon sign, s'mores", "more'n enough K'nex for O'Neil's kids",
    "Dr. Smith, Mr. T. and Mrs. Jones vs. St. Louis Inc.", "the U.S. team at 5 p.m. in Washington, D.C.", "item no. 5, and no. It is, etc., etc.",
    "A sign with the letter A. The dog", "Wall-E. drives away", "a bat., a ball", "the stove.and the oven.A cat", "wait..what...is....this",
    "8:25pm 1,000 -5 +3 3.14 1950s 60s 4x4 5'10\" 50% $5.00 US$5 #41 #fun @me C++ C#", "1/2 of the red/yellow bus and/or car w/o wheels, a/b/c/d",
    "beach--kite waves,on,the-shore a-b-c -up- mid-air, U.S.-based 1.5-inch", "AT&T at&t A&M q&a R & B &amp; A+B", "mail me@example.org, see http://example.org/a?b=c.",
    "(round) [square] {curly} <unk> <b>bold</b> 5 < 6 > 4", ":) ;-) =( :D :P", "what?! no!! yes? \"quoted\" ''double'' `single'",
    "a_b _ __ * ** ~ ^ | = @ % \\ /", "it;s p;ayer's it`s", "caf\u00e9 \u00c9COLE dog\u2019s \u201cquoted\u201d a \u2013 b \u2014 c\u2026 \u00a35 \u20ac5",
    "", "   ", ".", "- - -", "'s", "n't", "ISN'T DON'T CAN'T", "isn'tx I'mma y'reoung", "cannot-x cannots wannas",
]


def words(texts):
    """The words of each text: PTBTokenizer joins all its texts with line feeds and counts on as many lines back. A last
    text of letters keeps it from dropping empty ones at the end."""
    texts = list(texts) + ["end"]
    tokens = PTBTokenizer().tokenize({i: [{"caption": text}] for i, text in enumerate(texts)})
    return [tokens[i][0] for i in range(len(texts) - 1)]


def scores(candidates, references):
    """BLEU-1..4, ROUGE-L and CIDEr-D of {image: text} against {image: [text]}, and the last two of each image."""
    images = list(references)
    flat = words([candidates[i] for i in images] + [text for i in images for text in references[i]])
    result = {image: [flat[n]] for n, image in enumerate(images)}
    truth, at = {}, len(images)
    for image in images:
        truth[image] = flat[at:at + len(references[image])]
        at += len(references[image])
    bleu, _ = Bleu(4).compute_score(truth, result, verbose=0)
    rouge, rouge_each = Rouge().compute_score(truth, result)
    cider, cider_each = Cider().compute_score(truth, result)
    return {"bleu": bleu, "rouge_l": float(rouge), "cider_d": float(cider)}, rouge_each, cider_each


def our_images():
    def sentence(who, where):
        text = f"{who} {RANDOM.choice(DOES)} {where}{RANDOM.choice(END)}"
        return text[0].upper() + text[1:] if RANDOM.random() < 0.6 else text

    images = []
    for n in range(60):
        who, where = RANDOM.sample(WHO, 2), RANDOM.sample(WHERE, 2)
        references = [sentence(RANDOM.choice(who), RANDOM.choice(where)) for _ in range(RANDOM.choice([1, 3, 5, 5, 5]))]
        candidate = sentence(RANDOM.choice(who), RANDOM.choice(where))
        candidate = {7: "", 13: "dog", 19: candidate + " " + candidate, 23: "a a a a a a a a", 29: references[0],
                     31: "zebra quagga okapi zebra quagga okapi", 37: "...", 41: candidate + " and" * 30}.get(n, candidate)
        if n == 43:
            references[0] = "."
        images.append({"image": f"{n:03d}.jpg", "candidate": candidate, "references": references})
    return images


def read_captions(path):
    """{image: [text in the order of its index]} of each split."""
    splits = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        image, split, index, text = line.split("\t")
        splits.setdefault(split, {}).setdefault(image, []).append((int(index), text))
    return {split: {image: [text for _, text in sorted(rows)] for image, rows in images.items()}
            for split, images in splits.items()}


def full_split(data):
    """Candidates for the Flickr8k test split: half of them a person's caption, half altered. See scores_test.cc."""
    test = read_captions(data / "flickr8k/captions.tsv")["test"]
    images = sorted(test)
    candidates, references = {}, {}
    for n, image in enumerate(images):
        own, rest = test[image][0], test[image][1:]
        next_own = test[images[(n + 1) % len(images)]][0]
        altered = ["", own + " " + own, " ".join(own.split(" ")[:4]), " ".join(reversed(own.split(" "))), next_own]
        candidates[image] = own if n % 2 == 0 else altered[n // 2 % len(altered)]
        references[image] = rest
    return scores(candidates, references)[0]


def digest(path):
    """FNV-1a, 64 bits, over the words of all captions in the file's order: spaces between, a line feed after each caption."""
    texts = [line.split("\t")[3] for line in path.read_text(encoding="utf-8").splitlines()]
    value = 0xCBF29CE484222325
    for line in words(texts):
        for byte in (line + "\n").encode():
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def main():
    images = our_images()
    ours, rouge_each, cider_each = scores({i["image"]: i["candidate"] for i in images},
                                          {i["image"]: i["references"] for i in images})
    for image, rouge, cider in zip(images, rouge_each, cider_each):
        image["rouge_l"], image["cider_d"] = float(rouge), float(cider)
    golden = {"sentences": [{"text": text, "words": line.split()} for text, line in zip(SENTENCES, words(SENTENCES))],
              "images": images, "scores": ours}
    path = HERE / "evaluation.json"
    if len(sys.argv) > 1:
        data = pathlib.Path(sys.argv[1])
        golden["flickr8k_test"] = full_split(data)
        golden["digests"] = {name: digest(data / name) for name in ("flickr8k/captions.tsv", "coco/captions.tsv")}
    elif path.exists():
        old = json.loads(path.read_text())
        golden.update({key: old[key] for key in ("flickr8k_test", "digests") if key in old})
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
