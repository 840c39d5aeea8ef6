"""Attention kernels: attend against PyTorch, oneDNN's products and ggml, the same numbers, in turns.

  ./run bench attention [--only GROUP] [--rounds N] [--threads N] [--flex] [--smoke]
"""

import argparse
import pathlib
import tempfile

import torch

import attention_costs
import attention_decode
import attention_float32
import attention_halves
import attention_masks
import report
from contest import TURN_SECONDS, Contest

# By name: what the table is called, and who fills it.
GROUPS = {
    "forward": ("forward, float32", attention_float32.forward),
    "short": ("short and odd shapes, float32", attention_float32.short),
    "backward": ("backward, float32", attention_float32.backward),
    "threads": ("threads", attention_float32.threads),
    "halves": ("16-bit types", attention_halves.halves),
    "decode": ("decoding from a KV cache", attention_decode.decode),
    "masks": ("masks and changed scores", attention_masks.masks),
    "options": ("what options cost", attention_costs.options),
    "memory": ("memory", attention_costs.memory),
}


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench attention", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=GROUPS, action="append", help="leave the other groups out")
    parser.add_argument("--rounds", type=int, default=12, help="turns of each side at most (default 12)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flex", action="store_true", help="masks also in PyTorch's compiled flex_attention")
    parser.add_argument("--smoke", action="store_true", help="one turn of a few cases; keeps no results")
    given = parser.parse_args()
    if given.smoke:
        given.rounds = 1
    return given


def method(given):
    return (f"Normal numbers, the fastest of up to {given.rounds} turns of each side, {given.threads} threads; a turn "
            f"repeats a short call for {1e3 * TURN_SECONDS:.0f} ms. A causal mask halves what is counted as "
            "operations. The peak is that of float32 multiply-adds of all threads together, the highest met so far in the "
            "run; it is measured after each case. "
            "Errors are the largest differences from float64 at the same operands. PyTorch is called from Python, which"
            " costs some microseconds a call; we are not.")  # fmt: skip


def command_of(given, group):
    words = ["--only", group]
    if given.rounds != 12:
        words += ["--rounds", str(given.rounds)]
    if given.threads != 2:
        words += ["--threads", str(given.threads)]
    return report.command_line("attention", words)


def run_group(given, contest, group):
    """Measures a group and keeps its results, whatever becomes of the next."""
    title, compare = GROUPS[group]
    done = compare(contest)
    parts, versions = done if isinstance(done, tuple) else (done, {})
    report.write(f"attention/{group}", f"Attention: {title}", command_of(given, group), parts,
                 {"PyTorch": torch.__version__, **versions, "attend's instruction set": contest.isa},
                 keep=not given.smoke, method=method(given))  # fmt: skip


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(given, pathlib.Path(folder))
        for group in given.only or GROUPS:
            run_group(given, contest, group)
        contest.close()


if __name__ == "__main__":
    main()
