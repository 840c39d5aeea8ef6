"""Captioner: a photo goes in; a sentence comes out, and for every word the map of where the model looked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy


@dataclass(frozen=True, eq=False)
class Word:
    """A word of a caption.

    Attributes:
      text: as it stands in the sentence: "man's".
      probability: the model's, after the words before it.
      attention: where the model looked as it said the word: [grid, grid] from the photo's top left, float32, sums to 1.
        The mean over heads and layers; it says where, not why. None unless asked for.
    """

    text: str
    probability: float
    attention: numpy.ndarray | None


@dataclass(frozen=True, eq=False)
class Caption:
    """A sentence about a photo.

    Attributes:
      text: lower case, no full stop: "a man's dog runs on the beach".
      probability: of the whole sentence, its end included: exp(log_probability).
      words: joined by spaces they are `text`, or what came of it after a prompt.
      tokens: numbers in the model's vocabulary: the start, the prompt's, what was said, the end.
    """

    text: str
    probability: float
    words: list[Word]
    log_probability: float
    tokens: list[int]

    def __str__(self) -> str:
        return self.text


def _extension() -> Any:
    try:
        from . import _captioner
    except ImportError as error:
        raise ImportError(
            "attend.Captioner needs the part of the package that is built with oneDNN and libvips: install it with "
            f"pip install . -C cmake.define.ATTEND_ENGINE_ONLY=OFF ({error})"
        ) from None
    return _captioner


class Captioner:
    """A loaded model. Several threads may use it; the photo encoder's calls take turns.

    OpenMP's idle threads spin for a while. Where other programs want the same cores, set GOMP_SPINCOUNT=1000 in the
    environment that Python is started in, as the program `attend` does for itself.
    """

    def __init__(
        self,
        model: str | bytes | os.PathLike[Any] | None = None,
        *,
        threads: int | None = None,
        weights: str = "stored",
    ):
        """
        Args:
          model: a model file, or the folder of a published BLIP, ViT-GPT2 or GIT checkpoint, which says the tokens that
            Hugging Face transformers says; unless given the model inside the package.
          threads: 1..1024; all that OpenMP offers unless given.
          weights: "stored", or "bf16" or "int8": a published checkpoint's are rounded as they are read, and `notes` says
            how far off they are.

        Raises FileNotFoundError and other OSErrors with errno and filename, ValueError for a file that is no model,
        saying what is wrong with it, and ImportError where the package was built without its captioner.
        """
        self._captioner = _extension().Captioner(None if model is None else os.fsencode(model), threads, weights)

    def caption(
        self,
        image: Any,
        beam: int | None = None,
        *,
        length_exponent: float | None = None,
        no_repeat_ngram: int | None = None,
        min_words: int | None = None,
        max_words: int | None = None,
        sample_seed: int | None = None,
        temperature: float | None = None,
        prompt: str | None = None,
        attention: bool = True,
    ) -> Caption:
        """What is in a photo.

        Args:
          image: the path of a photo (JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF; turned upright, to sRGB, alpha on
            white), or its upright sRGB pixels, [height, width, 3] in uint8: a NumPy array, or anything with DLPack.
          beam: sentences followed side by side; 1 takes the likeliest word each time. What is not given is as the
            model's file says; of the model inside the package, 3.
          length_exponent: sentences are ranked by log-probability / length^this, 0..10.
          no_repeat_ngram: no run of so many words comes twice; 0 allows all.
          min_words, max_words: as the model counts words: "man's" is two; published models count tokens, the start and
            the prompt's included.
          sample_seed: given, words are drawn by chance, by this seed: an integer in [0, 2^64). There is one sentence then:
            a beam other than 1 is an error.
          temperature: how bold the draw is, 0.001..1000, 1 unless given; below 1 safer, above odder. An error without
            sample_seed.
          prompt: how the sentence begins; only published models take one.
          attention: whether Word.attention is filled.

        Raises FileNotFoundError and other OSErrors with errno and filename, or ValueError for a file that is no photo;
        ValueError and TypeError for pixels and options, naming what is wrong with them.
        """
        options = {
            "beam": beam,
            "length_exponent": length_exponent,
            "no_repeat_ngram": no_repeat_ngram,
            "min_words": min_words,
            "max_words": max_words,
            "sample_seed": sample_seed,
            "temperature": temperature,
            "prompt": prompt,
            "attention": attention,
        }
        if isinstance(image, (str, bytes, os.PathLike)):
            result = self._captioner.caption_file(os.fsencode(image), **options)
        else:
            result = self._captioner.caption_pixels(image, **options)
        text, probability, log_probability, words, tokens = result
        return Caption(text, probability, [Word(*word) for word in words], log_probability, tokens)

    @property
    def grid(self) -> int:
        """Patches a side of the photo."""
        return self._captioner.grid

    @property
    def vocabulary(self) -> int:
        """Words that it can say."""
        return self._captioner.vocabulary

    @property
    def parameters(self) -> int:
        """Learned numbers, the photo encoder's included."""
        return self._captioner.parameters

    @property
    def notes(self) -> dict[str, str]:
        """What its makers wrote about it: training data, licence, scores, ..."""
        return self._captioner.notes
