"""Captions learned a second: attend against PyTorch, the same model, batches and optimiser, in turns.

  ./run bench train [--data DIR] [--model FILE] [--rounds N] [--threads N] [--smoke]

Also checks that both learn the same: without dropout, the first losses agree.
"""

import argparse
import pathlib
import random
import sys
import tempfile

import torch

import report
from caption_data import CAPTIONS_A_PHOTO, captions_of_folder, made_up_captions
from exchange import DEFAULT_SHAPE, save_batches, save_training_model, training_shape
from pytorch_model import CaptionModel
from pytorch_training import Batch, Trainer, fastest_buckets
from turns import Resident, take_turns, timed

PHOTOS, LOSSES = 32, 10
BUCKETS = (0, 1, 4, 8)  # cuts of captions by length that PyTorch may choose from; 0 is one bucket a length
# As in train_bench.cc.
LEARNING = {"rate": 4e-4, "label_smoothing": 0.1, "weight_decay": 0.01, "clip": 1.0}


class PyTorchSide:
    def __init__(self, model, batches):
        self.trainer, self.batches, self.next = Trainer(model, **LEARNING), batches, 0

    def learn(self, steps):
        losses = []
        for _ in range(steps):
            losses.append(self.trainer.step(self.batches[self.next % len(self.batches)]))
            self.next += 1
        return losses


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench train", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=pathlib.Path, help="take captions from this folder's captions.tsv")
    parser.add_argument("--model", type=pathlib.Path, help="take the shape from this model (default: attend train's)")
    parser.add_argument("--batches", type=int, default=8, help="different batches of 32 photos (default 8)")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each side, of --steps each (default 6)")
    parser.add_argument("--steps", type=int, default=4, help="steps a turn (default 4)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="one short turn, to see that all works; keeps no results")
    given = parser.parse_args()
    if given.smoke:
        given.batches, given.rounds, given.steps = 2, 1, 1
    return given


class Contest:
    """Both sides, ready to learn the same from the same start."""

    def __init__(self, given, folder):
        self.given = given
        shape = training_shape(given.model) if given.model else DEFAULT_SHAPE
        self.model = CaptionModel(shape)
        captions = self.captions(shape)
        features = [torch.randn(PHOTOS, shape.patches, shape.features).clamp(0, 6).half() for _ in captions]
        weights, data = folder / "weights.safetensors", folder / "batches.safetensors"
        save_training_model(weights, self.model)
        save_batches(data, features, captions)
        buckets, self.seconds_of_buckets = fastest_buckets(
            lambda: Trainer(self.fresh(), **LEARNING), captions[0], features[0], shape.max_length,
            BUCKETS[:1] if given.smoke else BUCKETS)  # fmt: skip
        self.batches = [Batch(f, c, shape.max_length, buckets) for f, c in zip(features, captions)]
        self.ours = Resident([given.binaries / "attend_train_bench", weights, data], given.threads)

    def captions(self, shape):
        pick = random.Random(1)
        if self.given.data:
            return captions_of_folder(self.given.data, self.given.batches, PHOTOS, shape, pick)
        return made_up_captions(self.given.batches, PHOTOS, shape, pick)

    def fresh(self):
        """PyTorch's model as it was at the start."""
        model = CaptionModel(self.model.shape)
        model.load_state_dict(self.model.state_dict())
        return model

    def start(self, dropout):
        """The side of PyTorch, with both sides at the start."""
        self.ours.ask(do="restart")
        return PyTorchSide(self.fresh().train(dropout), self.batches)

    def losses(self):
        """The first losses of both sides, without dropout."""
        theirs = self.start(dropout=False).learn(LOSSES)
        return self.ours.ask(do="learn", steps=LOSSES, dropout=False)["losses"], theirs

    def race(self, dropout):
        theirs, steps = self.start(dropout), self.given.steps
        return take_turns(self.ours.seconds(do="learn", steps=steps, dropout=dropout),
                          timed(lambda: theirs.learn(steps)), self.given.rounds)  # fmt: skip


def introduction(given, shape, parameters):
    source = "captions of a data folder" if given.data else "made-up captions as long as Flickr8k's"
    return (
        f"A step: {PHOTOS} photos x {CAPTIONS_A_PHOTO} captions ({source}), features from float16, forward, backward, "
        f"clipping, AdamW. {parameters / 1e6:.2f} M parameters, width {shape.width}, {shape.patch_layers} + "
        f"{shape.text_layers} layers, {shape.grid} x {shape.grid} patches, {shape.vocabulary} words; dropout "
        f"{shape.dropout}, of embeddings {shape.embedding_dropout}, of features {shape.feature_dropout}. "
        f"{given.threads} threads, {given.rounds} turns of {given.steps} steps each.")  # fmt: skip


def speed_rows(timing, name, captions):
    for turn, ours, theirs in (("fastest", timing.ours.least, timing.theirs.least),
                               ("median", timing.ours.median, timing.theirs.median)):  # fmt: skip
        yield f"{name}, {turn} turn", f"{captions / ours:.0f}", f"{captions / theirs:.0f}", f"{theirs / ours:.2f}"


def bucket_list(seconds):
    return ", ".join(f"{'one a length' if n == 0 else n}: {1e3 * s:.0f} ms" for n, s in seconds.items())


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(given, pathlib.Path(folder))
        ours, theirs = contest.losses()
        with_dropout, without = contest.race(dropout=True), contest.race(dropout=False)
        facts = contest.ours.ask(do="facts")
        contest.ours.close()
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
    captions = given.steps * PHOTOS * CAPTIONS_A_PHOTO
    parts = [
        introduction(given, contest.model.shape, sum(p.numel() for p in contest.model.parameters())),
        report.table(("captions a second", "attend", "PyTorch", "ratio"),
                     [*speed_rows(with_dropout, "with dropout", captions),
                      *speed_rows(without, "without dropout", captions)]),
        "PyTorch has its batches made beforehand, computes a photo's keys and values once for its captions, uses its "
        "fused AdamW, and was given the fastest of these cuts of captions into buckets by length (time of a step): "
        f"{bucket_list(contest.seconds_of_buckets)}.",
        f"Without dropout, the first {LOSSES} losses differ by at most {worst:.1e} (relative):",
        report.table(("step", "attend", "PyTorch"),
                     [(i + 1, f"{a:.6f}", f"{b:.6f}") for i, (a, b) in enumerate(zip(ours, theirs))]),
    ]  # fmt: skip
    report.write("train", "Training: attend against PyTorch", report.command_line("train", sys.argv[2:]), parts,
                 [("PyTorch", torch.__version__), ("attend's instruction set", facts["isa"])], keep=not given.smoke)
    if worst > 1e-3:
        raise SystemExit("the losses differ: the two sides do not learn the same")


if __name__ == "__main__":
    main()
