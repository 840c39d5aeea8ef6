"""The table of docs/attention_modules.md, from what scripts/compare_attention_modules.sh left behind.

    python3 scripts/tabulate_attention_modules.py WORK KIND...
"""
import json
import struct
import sys
from pathlib import Path


def cross_attention_parameters(model):
    """Numbers of the cross-attention in a model file's header, of all layers."""
    with open(model, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    count = 0
    for name, tensor in header.items():
        if ".cross_attention." in name:
            size = 1
            for axis in tensor["shape"]:
                size *= axis
            count += size
    return count


def learning(run):
    """(seconds, the highest CIDEr-D on the validation photographs): seconds are captions over the captions a second
    that the log's rows tell, each standing for the steps since the row before it."""
    recipe = json.loads((run / "recipe.json").read_text())
    per_step = recipe["train_captions"] / -(-recipe["train_photos"] // recipe["batch_photos"])
    seconds, best, before = 0.0, 0.0, 0
    for line in (run / "log.tsv").read_text().splitlines()[1:]:
        row = line.split("\t")
        if row[7]:
            best = max(best, float(row[8]))
        elif float(row[5]) > 0:
            step = int(row[0])
            seconds += (step - before) * per_step / float(row[5])
            before = step
    return seconds, best


def main(work, kinds):
    print("| attention | its parameters | val CIDEr-D | test CIDEr-D | test BLEU-4 | learning, minutes |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind in kinds:
        scores = json.loads((work / f"{kind}.json").read_text())
        seconds, best = learning(work / kind)
        parameters = cross_attention_parameters(work / f"{kind}.safetensors")
        print(f"| {kind} | {parameters:,} | {best:.3f} | {scores['cider_d']:.3f} | {100 * scores['bleu_4']:.1f} | {seconds / 60:.1f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
