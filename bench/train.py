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
from caption_data import captions_of_folder, made_up_captions
from exchange import DEFAULT_SHAPE, save_batches, save_training_model, training_shape
from pytorch_model import CaptionModel
from pytorch_training import Batch, Trainer, fastest_buckets
from turns import Resident, take_turns, timed

PHOTOS, LOSSES = 32, 10


class PyTorchSide:
    def __init__(self, model, batches, options):
        self.trainer, self.batches, self.next = Trainer(model, **options), batches, 0

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
    parser.add_argument("--model", type=pathlib.Path, help="take the shape from this model; default: that of `attend train`")
    parser.add_argument("--batches", type=int, default=8, help="different batches of 32 photos (default 8)")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each side, of --steps each (default 6)")
    parser.add_argument("--steps", type=int, default=4, help="steps a turn (default 4)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="one short turn, to see that all works; keeps no results")
    given = parser.parse_args()
    if given.smoke:
        given.batches, given.rounds, given.steps = 2, 1, 1
    return given


def compare_losses(ours, model, batches, options):
    """The first losses of both sides without dropout, and the largest relative difference."""
    ours.ask(do="restart")
    our_losses = ours.ask(do="learn", steps=LOSSES, dropout=False)["losses"]
    side = PyTorchSide(model.eval(), batches, options)
    their_losses = side.learn(LOSSES)
    worst = max(abs(a - b) / abs(b) for a, b in zip(our_losses, their_losses))
    return our_losses, their_losses, worst


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    shape = training_shape(given.model) if given.model else DEFAULT_SHAPE
    options = {"rate": 4e-4, "label_smoothing": 0.1, "weight_decay": 0.01, "clip": 1.0}
    pick = random.Random(1)
    if given.data:
        batches = captions_of_folder(given.data, given.batches, PHOTOS, shape, pick)
    else:
        batches = made_up_captions(given.batches, PHOTOS, shape, pick)
    features = [torch.relu(torch.randn(PHOTOS, shape.patches, shape.features)).clamp(max=6).half() for _ in batches]

    with tempfile.TemporaryDirectory() as folder:
        weights, data = pathlib.Path(folder, "weights.safetensors"), pathlib.Path(folder, "batches.safetensors")
        model = CaptionModel(shape)
        save_training_model(weights, model)
        save_batches(data, features, batches)

        def fresh():
            again = CaptionModel(shape)
            again.load_state_dict(model.state_dict())
            return again

        buckets, seconds = fastest_buckets(lambda: Trainer(fresh(), **options), batches[0], features[0],
                                           shape.max_length, choices=(0,) if given.smoke else (0, 1, 4, 8))
        theirs_batches = [Batch(f, c, shape.max_length, buckets) for f, c in zip(features, batches)]
        ours = Resident([given.binaries / "attend_train_bench", weights, data], given.threads)
        losses = compare_losses(ours, fresh(), theirs_batches, options)

        ours.ask(do="restart")
        theirs = PyTorchSide(fresh().train(), theirs_batches, options)
        timing = take_turns(ours.seconds(do="learn", steps=given.steps, dropout=True),
                            timed(lambda: theirs.learn(given.steps)), given.rounds)
        facts = ours.ask(do="facts")
        ours.close()

    captions = given.steps * PHOTOS * 5
    rows = [
        ("captions a second, fastest turn", f"{captions / timing.ours.least:.0f}",
         f"{captions / timing.theirs.least:.0f}", f"{timing.ratio:.2f}"),
        ("captions a second, median turn", f"{captions / timing.ours.median:.0f}",
         f"{captions / timing.theirs.median:.0f}", f"{timing.median_ratio:.2f}"),
    ]
    our_losses, their_losses, worst = losses
    loss_rows = [(i + 1, f"{a:.6f}", f"{b:.6f}") for i, (a, b) in enumerate(zip(our_losses, their_losses))]
    source = "captions of a data folder" if given.data else "made-up captions as long as Flickr8k's"
    parts = [
        f"A step: {PHOTOS} photos x 5 captions ({source}), features from float16, forward, backward, clipping, AdamW. "
        f"{parameters_of(model) / 1e6:.2f} M parameters, width {shape.width}, {shape.patch_layers} + {shape.text_layers} "
        f"layers, {shape.vocabulary} words; dropout {shape.dropout}, of embeddings {shape.embedding_dropout}, of features "
        f"{shape.feature_dropout}. {given.threads} threads, {given.rounds} turns of {given.steps} steps each.",
        report.table(("", "attend", "PyTorch", "ratio"), rows),
        "PyTorch has its batches made beforehand, computes a photo's keys and values once for its captions, uses its fused "
        f"AdamW, and was given the fastest of these cuts of captions into buckets by length: {bucket_list(seconds)}.",
        f"Without dropout, the first {LOSSES} losses differ by at most {worst:.1e} (relative):",
        report.table(("step", "attend", "PyTorch"), loss_rows),
    ]
    command = " ".join(["./run bench train", *(word for word in sys.argv[2:] if not word.startswith("/"))])
    report.write("train", "Training: attend against PyTorch", command, parts,
                 [("PyTorch", torch.__version__), ("attend's instruction set", facts["isa"])], keep=not given.smoke)
    if worst > 1e-3:
        raise SystemExit("the losses differ: the two sides do not learn the same")


def parameters_of(model):
    return sum(p.numel() for p in model.parameters())


def bucket_list(seconds):
    return ", ".join(f"{'one a length' if n == 0 else n} {1e3 * s:.0f} ms" for n, s in seconds.items())


if __name__ == "__main__":
    main()
