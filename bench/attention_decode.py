"""Group of ./run bench attention: one new token over a cache of keys, where reading memory is all the work."""

import os
from dataclasses import dataclass

import torch

import report
from contest import error, mean_ratio, ratio
from pytorch_decode import PyTorchLayers

KV_HEADS, GROUP, WIDTH, TOKENS = 8, 4, 128, 512
HEADS = KV_HEADS * GROUP


@dataclass(frozen=True)
class Case:
    stored: str
    B: int
    keys: int

    def tensors(self):
        """As bench/decode_requests.h has them: some tokens, which fill the caches over and over."""
        generator = torch.Generator().manual_seed(1)

        def normal(*shape):
            return torch.randn(*shape, generator=generator)

        return {"query": normal(self.B, HEADS, 1, WIDTH), "key": normal(1, KV_HEADS, TOKENS, WIDTH),
                "value": normal(1, KV_HEADS, TOKENS, WIDTH)}  # fmt: skip


CASES = [Case(stored, B, keys) for stored in ("float32", "bfloat16", "float16", "int8") for B in (1, 8)
         for keys in (4096, 16384, 65536)]  # fmt: skip
SMOKE = [Case(stored, 1, 4096) for stored in ("bfloat16", "float16", "int8")]
# Names of turns; those of others are pairs of who and how many query heads.
BANDWIDTH, SINGLE, GROUPED = "bandwidth", KV_HEADS, HEADS


def truth(tensors):
    """In float64, of the tokens alone: repeated a whole number of times they weigh the same."""
    query, key, value = (tensors[name].double() for name in ("query", "key", "value"))
    key, value = key.repeat_interleave(GROUP, 1), value.repeat_interleave(GROUP, 1)
    return (query @ key.transpose(-1, -2) / WIDTH**0.5).softmax(-1) @ value


class Decoding:
    """All sides of decoding, one case after another."""

    def __init__(self, contest):
        self.contest = contest
        self.ours = contest.resident("decode", "--requests")
        self.ggml = None
        if os.environ.get("ATTEND_GGML"):  # bench/run has built it
            self.ggml = contest.resident("ggml")

    def versions(self):
        return {"ggml": self.ggml.ask(do="facts")["version"]} if self.ggml else {}

    def our_turn(self, heads, name="case"):
        return self.ours.seconds(do="decode", name=name, heads=heads)

    def sides(self, case, tensors):
        """Turns by name: of ours by the number of query heads, of others by who and the number."""
        facts = self.contest.lay_out(tensors, self.ours, name="case", stored=case.stored, keys=case.keys)
        sides = {BANDWIDTH: self.ours.seconds(do="bandwidth"), SINGLE: self.our_turn(KV_HEADS),
                 GROUPED: self.our_turn(HEADS)}  # fmt: skip
        if case.stored == "int8":
            self.contest.lay_out(tensors, self.ours, name="bfloat16", stored="bfloat16", keys=case.keys)
            sides |= {("bfloat16", heads): self.our_turn(heads, "bfloat16") for heads in (KV_HEADS, HEADS)}
        else:
            self.theirs = PyTorchLayers(tensors, case.stored, case.keys, facts["layers"])
            sides |= {("PyTorch", heads): self.theirs.turn(heads) for heads in (KV_HEADS, HEADS)}
        if case.stored == "float16" and self.ggml:
            self.contest.lay_out(tensors, self.ggml, keys=case.keys)
            sides |= {("ggml", heads): self.ggml.seconds(do="decode", heads=heads) for heads in (KV_HEADS, HEADS)}
        return sides, facts["bytes"]

    def measure(self, case):
        tensors, self.theirs = case.tensors(), None
        sides, size = self.sides(case, tensors)
        timings = dict(zip(sides, self.contest.turns(*sides.values())))
        expected = truth(tensors)
        errors = {"attend": error(self.contest.results(self.ours, name="case")["output"], expected)}
        if self.theirs:
            errors["PyTorch"] = error(self.theirs.output, expected)
        if ("ggml", HEADS) in sides:
            errors["ggml"] = error(self.contest.results(self.ggml)["output"], expected)
            self.ggml.ask(do="forget")
        self.theirs = None
        self.ours.ask(do="forget")
        return Measured(case, timings, size, errors)

    def close(self):
        self.ours.close()
        if self.ggml:
            self.ggml.close()


@dataclass(frozen=True)
class Measured:
    case: Case
    timings: dict  # of a token through one layer, and of a byte read
    bytes: int  # of a layer's keys and values
    errors: dict

    def rate(self, side):
        """GB/s of keys and values."""
        return self.bytes / self.timings[side].least / 1e9

    def percent(self, side):
        return f"{100 * self.bytes * self.timings[BANDWIDTH].least / self.timings[side].least:.0f}"

    def ratio(self, heads, who):
        """How many times as fast we are, or nothing where `who` is not there."""
        theirs = self.timings.get((who, heads))
        return theirs and ratio(self.timings[heads], theirs)

    def tokens(self, heads):
        return f"{self.case.B / self.timings[heads].least:.0f}"

    def error(self, who):
        return f"{self.errors[who]:.1e}" if who in self.errors else "-"

    @property
    def name(self):
        return f"{self.case.stored}, {self.case.B}, {self.case.keys}"

    def row(self, heads, peers):
        return [self.name, f"{1e-9 / self.timings[BANDWIDTH].least:.1f}", f"{self.rate(heads):.1f}",
                self.percent(heads), self.tokens(heads), *(text(self.ratio(heads, who)) for who in peers)]  # fmt: skip


def text(number):
    return f"{number:.2f}" if number else "-"


def means(measured, heads, peers):
    """Sentences: how many times as fast as each peer, by stored type."""
    parts = []
    for who in peers:
        by_type = {}
        for one in measured:
            if one.ratio(heads, who):
                by_type.setdefault(one.case.stored, []).append(one.ratio(heads, who))
        if by_type:
            parts.append(f"against {who} " + ", ".join(f"{t} {mean_ratio(r):.2f}" for t, r in by_type.items()))
    return f"Geometric means: {'; '.join(parts)}."


def decode(contest):
    decoding = Decoding(contest)
    versions = decoding.versions()
    measured = [decoding.measure(case) for case in (SMOKE if contest.given.smoke else CASES)]
    decoding.close()
    peers = ("PyTorch", "ggml", "bfloat16")
    ratios = ("PyTorch, ratio", "ggml f16, ratio", "our bfloat16, ratio")
    columns = ("stored, B, keys", "read, GB/s", "attend, GB/s", "% of read", "tokens/s", *ratios)
    single = [m.row(KV_HEADS, peers) for m in measured]
    grouped = [[*m.row(HEADS, peers), f"{ratio(m.timings[GROUPED], m.timings[SINGLE]):.2f}", m.error("attend"),
                m.error("PyTorch"), m.error("ggml")] for m in measured]  # fmt: skip
    return [
        f"One token through one layer of {KV_HEADS} key/value heads of width {WIDTH}; GB/s of keys and values. Ratios "
        "are of tokens a second; PyTorch has the keys and values in the stored type, and its query too. Caches of several "
        "layers are read in turn, at least 512 MB in all, so that none is in the processor's cache.",
        *([] if versions else ["ggml was not there: ATTEND_GGML=FOLDER names an installed one."]),
        f"## {KV_HEADS} query heads", report.table(columns, single), means(measured, KV_HEADS, peers),
        f"## {HEADS} query heads over {KV_HEADS} key/value heads",
        report.table((*columns, f"speed of {KV_HEADS} heads", "error", "PyTorch's", "ggml's"), grouped),
        means(measured, HEADS, peers),
    ], versions  # fmt: skip
