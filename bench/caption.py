"""From a photo to its caption: attend against PyTorch with the same weights, in turns; then whole processes.

  ./run bench caption [--model FILE] [--photos FILE...] [--rounds N] [--threads N] [--smoke]
"""

import argparse
import pathlib
import sys
import tempfile

import torch

import report
from exchange import load_captioner
from photos import large_photo, photo_of_side
from processes import first_caption, large_jpeg
from pytorch_captioner import read_photo
from turns import Resident, take_turns, timed

SIDES = (224, 320, 512)


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench caption", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=pathlib.Path, default=report.ROOT / "models" / "attend.safetensors")
    parser.add_argument("--photos", type=pathlib.Path, nargs="+", help="default: those of examples/photos")
    parser.add_argument("--rounds", type=int, default=12, help="turns of each side for each photo (default 12)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="one turn of one photo, to see that all works; keeps no results")
    given = parser.parse_args()
    given.photos = given.photos or sorted((report.ROOT / "examples" / "photos").glob("*.jpg"))
    if given.smoke:
        given.rounds, given.photos = 1, given.photos[:1]
    return given


class PyTorchSide:
    """The stages of one photo."""

    def __init__(self, captioner, sides, path):
        self.captioner, self.sides, self.path = captioner, sides, path
        self.pixels = self.load()
        self.features = self.encode()

    def load(self):
        return read_photo(self.path, self.sides)

    def encode(self):
        return self.captioner.encode(self.pixels)

    def decode(self):
        return self.captioner.decode(self.features)

    def both(self):
        return self.captioner.decode(self.encode())

    def caption(self):
        return self.captioner.decode(self.captioner.encode(self.load()))


STAGES = (("load", "read and resize"), ("encode", "encoder"), ("decode", "beam search, 3"), ("both", "encoder and beam search"),
          ("caption", "file to caption"))  # fmt: skip


def compare_photo(ours, theirs, path, rounds):
    """Seconds of every stage on both sides, and the two captions."""
    answer = ours.ask(do="caption", path=str(path))
    sentence = theirs.caption()
    timing = {stage: take_turns(ours.seconds(do=stage, path=str(path)), timed(getattr(theirs, stage)), rounds)
              for stage, _ in STAGES}
    return timing, answer, sentence


def stage_rows(comparisons):
    """Of several photos of one size, means over the photos."""

    def mean(values):
        values = list(values)
        return sum(values) / len(values)

    for stage, title in STAGES:
        ours = mean(c[stage].ours.least for c in comparisons)
        theirs = mean(c[stage].theirs.least for c in comparisons)
        our_median = mean(c[stage].ours.median for c in comparisons)
        their_median = mean(c[stage].theirs.median for c in comparisons)
        yield (title, report.milliseconds(ours), report.milliseconds(theirs), f"{theirs / ours:.2f}",
               report.milliseconds(our_median), report.milliseconds(their_median), f"{their_median / our_median:.2f}")


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    captioner, sides = load_captioner(given.model)
    ours = Resident([given.binaries / "attend_caption_bench", given.model], given.threads)
    facts = ours.ask(do="facts")
    parts, same, all_photos, steps = [], 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for side in SIDES:
            comparisons = []
            for photo in given.photos:
                path = photo_of_side(photo, side, folder / f"{photo.stem}-{side}.jpg")
                timing, answer, sentence = compare_photo(ours, PyTorchSide(captioner, sides, path), path, given.rounds)
                comparisons.append(timing)
                all_photos += 1
                same += answer["words"] == sentence.words
                steps.append(len(answer["words"]))
                if answer["words"] != sentence.words:
                    print(f"{path.name}: attend says {answer['words']}, PyTorch {sentence.words}", file=sys.stderr)
            parts.append(f"## Photos of {side} px")
            parts.append(report.table(("milliseconds", "attend", "PyTorch", "ratio", "attend, median", "PyTorch, median",
                                       "ratio of medians"), stage_rows(comparisons)))
        ours.close()
        parts.append(f"{same} of {all_photos} captions are the same on both sides, word for word; "
                     f"{sum(steps) / len(steps):.1f} words on average.")
        program = given.binaries / "attend"
        small = photo_of_side(given.photos[0], SIDES[-1], folder / "small.jpg")
        large = large_photo(given.photos[0], folder / "large.jpg")
        runs = 1 if given.smoke else 5
        parts += first_caption(program, given.model, small, given.threads, runs)
        parts += large_jpeg(program, given.model, small, large, given.threads, runs)

    parts.insert(0, f"Means over {len(given.photos)} photos of the fastest (and of the median) of {given.rounds} turns of each "
                    f"side, {given.threads} threads. The model reads {sides[-1]} x {sides[-1]} pixels whatever "
                    "the photo's size. PyTorch: batch norm folded, channels last, inference mode, the photo's keys and values "
                    "once, cached keys and values of words, the three beams as one batch.")
    command = " ".join(["./run bench caption", *(word for word in sys.argv[2:] if not word.startswith("/"))])
    report.write("caption", "Captioning: attend against PyTorch", command, parts,
                 [("PyTorch", torch.__version__), ("attend's instruction set", facts["isa"])], keep=not given.smoke)
    if same < 0.95 * all_photos:
        raise SystemExit("the captions differ: the two sides do not compute the same")


if __name__ == "__main__":
    main()
