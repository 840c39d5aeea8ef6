"""The table of docs/attention_modules.md, from what scripts/compare_attention_modules.sh left behind: printed, and put
into the page. A kind that has not been scored yet is left out.

    python3 scripts/tabulate_attention_modules.py WORK KIND...
"""
import json
import struct
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "attention_modules.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


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
    """(seconds, the most captions a second, the highest CIDEr-D on the validation photographs): seconds are captions over
    the captions a second that the log's rows tell, each standing for the steps since the row before it."""
    recipe = json.loads((run / "recipe.json").read_text())
    per_step = recipe["train_captions"] / -(-recipe["train_photos"] // recipe["batch_photos"])
    seconds, fastest, best, before = 0.0, 0.0, 0.0, 0
    for line in (run / "log.tsv").read_text().splitlines()[1:]:
        row = line.split("\t")
        if row[7]:
            best = max(best, float(row[8]))
        elif float(row[5]) > 0:
            step = int(row[0])
            seconds += (step - before) * per_step / float(row[5])
            fastest = max(fastest, float(row[5]))
            before = step
    return seconds, fastest, best


def table(work, kinds):
    rows = [
        "| attention | its parameters | val CIDEr-D | test CIDEr-D | test BLEU-4 | learning, minutes | captions a second, at most |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in kinds:
        if not (work / f"{kind}.json").exists():
            continue
        scores = json.loads((work / f"{kind}.json").read_text())
        seconds, fastest, best = learning(work / kind)
        parameters = cross_attention_parameters(work / f"{kind}.safetensors")
        rows.append(
            f"| {kind} | {parameters:,} | {best:.3f} | {scores['cider_d']:.3f} | {100 * scores['bleu_4']:.1f} "
            f"| {seconds / 60:.1f} | {fastest:.0f} |"
        )
    return "\n".join(rows) + "\n"


def main(work, kinds):
    text = table(work, kinds)
    print(text, end="")
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n\n" + text + "\n" + END + after)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
