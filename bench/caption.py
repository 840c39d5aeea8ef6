"""From a photo to its caption: attend against PyTorch with the same weights, in turns; then whole processes.

  ./run bench caption [--model FILE] [--photos FILE...] [--rounds N] [--threads N] [--smoke]
"""

import argparse
import dataclasses
import pathlib
import shutil
import statistics
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
    parser.add_argument("--compile", action="store_true", help="PyTorch's encoder through torch.compile")
    parser.add_argument("--smoke", action="store_true",
                        help="one turn of one photo, to see that all works; keeps no results")
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


STAGES = (
    ("load", "read and resize"),
    ("encode", "encoder"),
    ("decode", "beam search"),
    ("both", "encoder and beam search"),
    ("caption", "file to caption"),
)
COLUMNS = ("milliseconds", "attend", "PyTorch", "ratio", "attend, median", "PyTorch, median", "ratio of medians")


@dataclasses.dataclass
class Seen:
    """What came of one photo."""

    timing: dict  # by stage
    ours: list    # word ids
    theirs: list


def compare_photo(ours, theirs, path, rounds):
    answer, sentence = ours.ask(do="caption", path=str(path)), theirs.caption()
    if answer["words"] != sentence.words:
        print(f"{path.name}: attend says {answer['words']}, PyTorch {sentence.words}", file=sys.stderr)
    timing = {stage: take_turns(ours.seconds(do=stage, path=str(path)), timed(getattr(theirs, stage)), rounds)
              for stage, _ in STAGES}  # fmt: skip
    return Seen(timing, answer["words"], sentence.words)


def stage_rows(photos):
    """Of several photos of one size, means over the photos."""
    for stage, title in STAGES:
        timings = [photo.timing[stage] for photo in photos]
        ours = statistics.mean(t.ours.least for t in timings)
        theirs = statistics.mean(t.theirs.least for t in timings)
        our_median = statistics.mean(t.ours.median for t in timings)
        their_median = statistics.mean(t.theirs.median for t in timings)
        yield (title, report.milliseconds(ours), report.milliseconds(theirs), f"{theirs / ours:.2f}",
               report.milliseconds(our_median), report.milliseconds(their_median), f"{their_median / our_median:.2f}")


def compare_stages(given, ours, captioner, sides, folder):
    """A table for each size of photo -> parts of the report, and all photos."""
    parts, seen = [], []
    for side in SIDES:
        of_side = []
        for photo in given.photos:
            path = photo_of_side(photo, side, folder / f"{photo.stem}-{side}.jpg")
            of_side.append(compare_photo(ours, PyTorchSide(captioner, sides, path), path, given.rounds))
        parts += [f"## Photos of {side} px", report.table(COLUMNS, stage_rows(of_side))]
        seen += of_side
    same = sum(photo.ours == photo.theirs for photo in seen)
    words = statistics.mean(len(photo.ours) for photo in seen)
    parts.append(f"{same} of {len(seen)} captions are the same on both sides, word for word; {words:.1f} words on "
                 "average.")  # fmt: skip
    return parts, same / len(seen)


def measure_processes(given, folder):
    program, runs = given.binaries / "attend", 1 if given.smoke else 5
    small = photo_of_side(given.photos[0], SIDES[-1], folder / "small.jpg")
    large = large_photo(given.photos[0], folder / "large.jpg")
    return (first_caption(program, given.model, small, given.threads, runs)
            + large_jpeg(program, given.model, small, large, given.threads, runs))  # fmt: skip


def introduction(given, captioner, sides):
    return (
        f"Means over {len(given.photos)} photos of the fastest (and of the median) of {given.rounds} turns of each "
        f"side, {given.threads} threads, beam {captioner.options.beam}. The model reads {sides[-1]} x {sides[-1]} pixels "
        "whatever the photo's size. PyTorch: batch norm folded, channels last, "
        f"{'torch.compile for the encoder, ' if given.compile else ''}inference mode, the photo's keys and values "
        "once, cached keys and values of words, the beam as one batch.")  # fmt: skip


def main():
    given = arguments()
    if shutil.which("vipsthumbnail") is None:
        raise SystemExit("bench: needs vipsthumbnail to compare large photos with (Debian: libvips-tools)")
    torch.set_num_threads(given.threads)
    captioner, sides = load_captioner(given.model)
    if given.compile:
        captioner.encoder = torch.compile(captioner.encoder)
    ours = Resident([given.binaries / "attend_caption_bench", given.model], given.threads)
    facts = ours.ask(do="facts")
    with tempfile.TemporaryDirectory() as folder:
        stages, agreement = compare_stages(given, ours, captioner, sides, pathlib.Path(folder))
        ours.close()
        processes = measure_processes(given, pathlib.Path(folder))
    report.write("caption", "Captioning: attend against PyTorch", report.command_line("caption", sys.argv[2:]),
                 [introduction(given, captioner, sides), *stages, *processes],
                 [("PyTorch", torch.__version__), ("attend's instruction set", facts["isa"])],
                 keep=not given.smoke)  # fmt: skip
    if agreement < 0.95:
        raise SystemExit("the captions differ: the two sides do not compute the same")


if __name__ == "__main__":
    main()
