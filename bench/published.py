"""BLIP, ViT-GPT2 and GIT of the published sizes with random weights: a photo's pixels to its caption, attend against
transformers on PyTorch, in turns.

  ./run bench published [--model NAME] [--tokens N] [--rounds N] [--threads N] [--weights stored|bf16|int8] [--smoke]
"""

import argparse
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import report

sys.path[:0] = [str(report.ROOT / "tests" / "golden"), str(report.ROOT / "scripts")]

import torch
import transformers
from PIL import Image

import published_checkpoints as published
from compare_published import FULL
from turns import Resident, take_turns, timed

BEAMS = (1, 3)
AT_LEAST = {"BLIP-base": (2.0, 2.2), "ViT-GPT2": (4.0, 6.0), "GIT-base": (1.7, 3.5)}
COLUMNS = ("search", "attend", "transformers", "ratio", "attend, median", "transformers, median", "ratio of medians",
           "at least", "same tokens")


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench published", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--model", choices=sorted(AT_LEAST), help="one of the three alone")
    parser.add_argument("--tokens", type=int, default=10, help="new tokens (default 10)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (default 5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="stored", choices=("stored", "bf16", "int8"), help="of our side")
    parser.add_argument("--folder", type=pathlib.Path, help="keeps the checkpoints here, and takes those that are there")
    parser.add_argument("--smoke", action="store_true", help="one turn, to see that all works; keeps no results")
    given = parser.parse_args()
    if given.smoke:
        given.rounds = 1
    return given


def checkpoint(case, folder):
    """The case's model in PyTorch; its checkpoint is written unless it is there."""
    if (folder / "config.json").exists():
        return published.MODELS[case["kind"]].from_pretrained(folder, dtype=torch.float32).eval()
    return published.save_checkpoint(case, str(folder))


def compare(case, given, folder):
    path = folder / case["name"]
    model = checkpoint(case, path)
    photo = report.ROOT / "examples" / "photos" / "cat.jpg"
    image = Image.open(photo).convert("RGB")
    ours = Resident([given.binaries / "attend_published_bench", path, given.weights], given.threads)
    rows = []
    for beam, floor in zip(BEAMS, AT_LEAST[case["name"]]):
        length = given.tokens + 1
        request = {"path": str(photo), "beam": beam, "max_length": length}

        def theirs(beam=beam, length=length):
            return published.generate(case, model, published.pixels_of(case, image), num_beams=beam, max_length=length)

        said, expected = ours.ask(**request)["tokens"], theirs()
        timing = take_turns(ours.seconds(**request), timed(theirs), given.rounds)
        rows.append(("greedy" if beam == 1 else f"beam {beam}", f"{timing.ours.least:.2f} s",
                     f"{timing.theirs.least:.2f} s", f"{timing.ratio:.2f}", f"{timing.ours.median:.2f} s",
                     f"{timing.theirs.median:.2f} s", f"{timing.median_ratio:.2f}", f"{floor}",
                     "yes" if said == expected else "no"))
        print(case["name"], rows[-1], file=sys.stderr)
    ours.close()
    return [f"## {case['name']}", report.table(COLUMNS, rows)]


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    cases = [case for case in FULL if given.model in (None, case["name"])]
    parts = [f"Random weights in float32, one photo, {given.tokens} new tokens, the caption from its decoded pixels on; "
             f"{given.rounds} turns of each side, {given.threads} threads; weights of our side: {given.weights}. "
             "The fastest turns, then the medians."]
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or pathlib.Path(temporary)
        for case in cases:
            parts += compare(case, given, folder)
    report.write("published", "Published captioners against transformers",
                 report.command_line("published", sys.argv[2:]), parts,
                 [("PyTorch", torch.__version__), ("transformers", transformers.__version__)], keep=not given.smoke)


if __name__ == "__main__":
    main()
