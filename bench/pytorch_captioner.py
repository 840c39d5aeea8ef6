"""A captioner for PyTorch: the photo's keys and values once, words with cached keys and values, beam search.

It makes the choices of attend's beam search (src/language/beam_search.h), so that the captions of both can be
compared word by word.
"""

from dataclasses import dataclass, field

import numpy
import torch
from PIL import Image
from torch.nn import functional as F

from pytorch_model import split_heads

START, END, UNKNOWN = 0, 1, 2


@dataclass(frozen=True)
class BeamOptions:
    beam: int = 3
    length_exponent: float = 1.0
    no_repeat_ngram: int = 3
    min_length: int = 3
    max_length: int = 24
    conjunction: int = -1  # "and", which joins no word with itself


class Decoding:
    """A photo, and the sentences about it so far: one row a sentence."""

    def __init__(self, text, shape, memory, rows):
        self.text, self.memory, self.heads = text, memory, shape.text_heads
        room = (shape.text_layers, 2, rows, self.heads, shape.max_length, shape.width // self.heads)
        self.cache = torch.empty(room)
        self.length = 0

    def attend_to_words(self, layer, qkv):
        rows = qkv.shape[0]
        query, key, value = qkv.view(rows, 3, self.heads, -1).unbind(1)  # [rows, heads, width / heads]
        keys, values = self.cache[layer, 0, :rows], self.cache[layer, 1, :rows]
        keys[:, :, self.length], values[:, :, self.length] = key, value
        seen = slice(0, self.length + 1)
        attended = F.scaled_dot_product_attention(query.unsqueeze(2), keys[:, :, seen], values[:, :, seen])
        return attended.flatten(1)

    def attend_to_photo(self, layer, query):
        """All rows are queries of one sequence: the photo's keys and values are neither copied nor expanded."""
        keys, values = self.memory[layer]
        attended = F.scaled_dot_product_attention(split_heads(query.unsqueeze(0), self.heads), keys, values)
        return attended.transpose(1, 2).flatten(2).squeeze(0)

    def advance(self, parents, words):
        """Row r continues row parents[r] with words[r] -> log-probabilities of the word after, [rows, vocabulary]."""
        rows = len(words)
        if self.length > 0 and parents != list(range(rows)):
            survivors = self.cache[:, :, torch.tensor(parents), :, : self.length]
            self.cache[:, :, :rows, :, : self.length] = survivors
        positions = torch.full((rows,), self.length)
        logits = self.text(torch.tensor(words), positions, self.attend_to_words, self.attend_to_photo)
        self.length += 1
        return F.log_softmax(logits, dim=-1)


@dataclass
class Sentence:
    words: list
    log_probability: float
    ended: bool
    score: float = field(default=0.0)


def repeating(said, n):
    """The words that would make the last n words an n-gram that is there already."""
    if n < 1 or len(said) < n:
        return []
    last = said[len(said) - n + 1 :]
    return [said[i + n - 1] for i in range(len(said) - n + 1) if said[i : i + n - 1] == last]


def beam_search(decoding, options, most_words):
    """The finished sentences, best first."""
    finished = []

    def finish(words, log_probability, length, ended):
        score = log_probability / max(length, 1) ** options.length_exponent
        finished.append(Sentence(words, log_probability, ended, score))
        finished.sort(key=lambda s: (s.ended, s.score), reverse=True)
        del finished[options.beam :]

    sentences, totals, parents = [[]], [0.0], [0]
    for said in range(most_words + 1):
        words = [sentence[-1] if sentence else START for sentence in sentences]
        scores = decoding.advance(parents, words)  # [open, vocabulary]
        scores[:, START] = scores[:, UNKNOWN] = -torch.inf
        for row, sentence in enumerate(sentences):
            repeats = repeating(sentence, options.no_repeat_ngram)
            if len(sentence) >= 2 and sentence[-1] == options.conjunction:
                repeats = [*repeats, sentence[-2]]
            if repeats:
                scores[row, repeats] = -torch.inf
        ends = scores[:, END].tolist()
        scores[:, END] = -torch.inf
        for row, sentence in enumerate(sentences):
            if said >= options.min_length and ends[row] > -torch.inf:
                finish(sentence, totals[row] + ends[row], said + 1, True)
        if said == most_words:
            break
        scores += torch.tensor(totals)[:, None]
        best, places = scores.flatten().topk(options.beam)
        vocabulary = scores.shape[1]
        open_ = [(total, place) for total, place in zip(best.tolist(), places.tolist()) if total > -torch.inf]
        parents = [place // vocabulary for _, place in open_]
        sentences = [sentences[place // vocabulary] + [place % vocabulary] for _, place in open_]
        totals = [total for total, _ in open_]
        if not sentences:
            break
        # attend's default rule: stop when no open sentence would rank if it went on as likely as it is so far.
        if len(finished) == options.beam and finished[-1].score >= totals[0] / (said + 1) ** options.length_exponent:
            break
    if not finished:
        for sentence, total in zip(sentences, totals):
            finish(sentence, total, len(sentence), False)
    return finished


def read_photo(path, sides):
    """As attend reads it: to a square of sides[0], then of sides[1], not keeping proportions, bicubic.
    -> uint8 [side, side, 3]"""
    with Image.open(path) as photo:
        pixels = photo.convert("RGB")
    for side in dict.fromkeys(sides):
        pixels = pixels.resize((side, side), Image.Resampling.BICUBIC)
    return numpy.array(pixels)


class Captioner:
    """`encoder` takes pixels [1, 3, side, side] to features [1, grid * grid, features]."""

    def __init__(self, encoder, model, options=BeamOptions()):
        self.encoder, self.model, self.options = encoder, model, options

    @torch.inference_mode()
    def encode(self, pixels):
        """uint8 [side, side, 3] -> features [1, patches, features]"""
        return self.encoder(torch.from_numpy(pixels)[None])

    @torch.inference_mode()
    def decode(self, features):
        """features [1, patches, features] -> the ids of the best sentence"""
        shape = self.model.shape
        memory = self.model.text.remember(*self.model.patches(features))
        decoding = Decoding(self.model.text, shape, memory, self.options.beam)
        most_words = min(self.options.max_length, shape.max_length - 1)
        return beam_search(decoding, self.options, most_words)[0]
