"""Captions to learn from: a data folder's own, or made-up ones as long as people's."""

import collections
import re

from pytorch_captioner import UNKNOWN

# How many of Flickr8k's 30,000 train captions have 0, 1, 2, ... words.
FLICKR8K_LENGTHS = (0, 0, 15, 125, 340, 854, 1948, 2501, 2916, 3319, 3309, 3133, 2773, 2330, 1865, 1339, 979, 684, 518,
                    370, 213, 138, 105, 80, 51, 36, 19, 10, 9, 8, 5, 3, 2, 2, 0, 0, 0, 1)  # fmt: skip
CAPTIONS_A_PHOTO = 5
FIRST_WORD = UNKNOWN + 1


def made_up_captions(batches, photos, shape, pick):
    """Batches of photos of captions, lists of ids: lengths drawn from Flickr8k's, words by Zipf's law."""
    ids = range(FIRST_WORD, shape.vocabulary)
    weights = [1.0 / (rank + 2.7) for rank in range(len(ids))]

    def caption():
        length = pick.choices(range(len(FLICKR8K_LENGTHS)), FLICKR8K_LENGTHS)[0]
        return pick.choices(ids, weights, k=length)

    return [[[caption() for _ in range(CAPTIONS_A_PHOTO)] for _ in range(photos)] for _ in range(batches)]


def captions_of_folder(folder, batches, photos, shape, pick):
    """The same with captions of `folder`'s train photos; the most frequent words of these get ids."""
    texts = collections.defaultdict(list)
    with open(folder / "captions.tsv", encoding="utf-8") as file:
        for line in file:
            image, split, _, text = line.rstrip("\n").split("\t")
            if split == "train":
                texts[image].append(re.findall(r"[a-z0-9']+", text.lower()))
    counts = collections.Counter(word for captions in texts.values() for caption in captions for word in caption)
    ids = {word: FIRST_WORD + i for i, (word, _) in enumerate(counts.most_common(shape.vocabulary - FIRST_WORD))}
    full = [captions for captions in texts.values() if len(captions) == CAPTIONS_A_PHOTO]
    chosen = pick.sample(full, batches * photos)
    numbered = [[[ids.get(word, UNKNOWN) for word in caption] for caption in captions] for captions in chosen]
    return [numbered[i * photos : (i + 1) * photos] for i in range(batches)]
