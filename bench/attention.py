"""Attention kernels: attend against PyTorch and against oneDNN's products, the same numbers, in turns.

  ./run bench attention [--only GROUP] [--rounds N] [--threads N] [--smoke]
"""

import argparse
import math
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

import report
from attention_cases import LONG, SHORT, VISION
from pytorch_attention import PyTorchAttention, gradients_of_truth, rows_of_truth
from turns import Resident, take_turns, timed

TURN_SECONDS = 0.02  # a turn repeats short calls for so long
GROUPS = ("forward", "short", "backward", "threads")


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench attention", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=GROUPS, action="append", help="leave the other groups out; keeps no results")
    parser.add_argument("--rounds", type=int, default=12, help="turns of each side (default 12)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="one turn of a few cases; keeps no results")
    given = parser.parse_args()
    if given.smoke:
        given.rounds = 1
    return given


class Contest:
    """Both sides, with the same numbers before them."""

    def __init__(self, given, ours, folder):
        self.given, self.ours, self.folder = given, ours, folder

    def open(self, case):
        self.case, self.tensors = case, case.tensors()
        self.theirs = PyTorchAttention(case, self.tensors)
        self.facts = self.lay_out(self.ours)

    def lay_out(self, resident):
        data = self.folder / "data.safetensors"
        save_file(self.tensors, data)
        return resident.ask(do="case", data=str(data), causal=self.case.causal)

    def compare(self, what):
        """Seconds of a call, ours and PyTorch's."""
        work = getattr(self.theirs, what)
        calls = self.calls(what)
        comparison = take_turns(
            self.ours.seconds(do=what, calls=calls),
            lambda: timed(lambda: work(calls))() / calls, self.given.rounds)
        return comparison, self.ours.ask(do="peak")["flops"]

    def calls(self, what):
        once = self.ours.ask(do=what, calls=1)["seconds"]
        return max(1, round(TURN_SECONDS / once)) if once < TURN_SECONDS else 1

    def results(self):
        path = self.folder / "results.safetensors"
        self.ours.ask(do="write", path=str(path))
        return load_file(path)


def error(found, truth):
    """The largest difference; NaN is one."""
    return (found.double() - truth).abs().max().item()


def cases_of(given, cases):
    return cases[:2] if given.smoke else cases


def ratio_text(comparison):
    return f"{comparison.ratio:.2f}"


def mean_ratio(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


FORWARD = ("forward: B, H, T, D", "attend, us", "GF/s", "% of peak", "PyTorch, us", "ratio", "error", "PyTorch's error")


def forward_row(contest, case):
    contest.open(case)
    comparison, peak = contest.compare("forward")
    rows, truth = rows_of_truth(case, contest.tensors)
    flops = 2 * case.products / comparison.ours.least
    return comparison, (
        case.name, f"{1e6 * comparison.ours.least:.1f}", f"{flops / 1e9:.1f}", f"{100 * flops / peak:.0f}",
        f"{1e6 * comparison.theirs.least:.1f}", ratio_text(comparison),
        f"{error(contest.results()['output'][:, :, rows], truth):.1e}",
        f"{error(contest.theirs.output[:, :, rows], truth):.1e}")  # fmt: skip


def compare_forward(contest):
    plain, causal, rows = [], [], []
    for case in cases_of(contest.given, LONG + VISION):
        comparison, row = forward_row(contest, case)
        (causal if case.is_causal else plain).append(comparison.ratio)
        rows.append(row)
    return ["## Forward, float32", report.table(FORWARD, rows),
            f"Geometric means: plain {mean_ratio(plain):.2f}, causal {mean_ratio(causal):.2f}."]  # fmt: skip


def compare_short(contest):
    rows, slower = [], []
    for case in cases_of(contest.given, SHORT):
        comparison, row = forward_row(contest, case)
        if case.is_causal:
            against = "-"
        else:
            calls = contest.calls("forward")
            unfused = take_turns(contest.ours.seconds(do="forward", calls=calls),
                                 contest.ours.seconds(do="unfused", calls=calls), contest.given.rounds)
            against = ratio_text(unfused)
            if unfused.ratio < 1:
                slower.append(f"{case.name} (oneDNN)")
        if comparison.ratio < 1:
            slower.append(f"{case.name} (PyTorch)")
        rows.append((*row[:6], against, *row[6:]))
    header = (*FORWARD[:6], "unfused oneDNN, ratio", *FORWARD[6:])
    verdict = f"Slower than a peer: {', '.join(slower)}." if slower else "None is slower than either peer."
    return ["## Short and odd shapes, float32", report.table(header, rows), verdict]


def compare_backward(contest):
    header = ("backward: B, H, T, D", *FORWARD[1:6], "largest error of a gradient", "PyTorch's")
    rows, ratios = [], []
    for case in cases_of(contest.given, LONG + VISION):
        contest.open(case)
        contest.ours.ask(do="forward", calls=1)
        contest.theirs.prepare_backward()
        comparison, peak = contest.compare("backward")
        ratios.append(comparison.ratio)
        flops = 5 * case.products / comparison.ours.least
        truth, found = gradients_of_truth(case, contest.tensors), contest.results()
        names = ("query_gradient", "key_gradient", "value_gradient")
        ours = max(error(found[name], t) for name, t in zip(names, truth))
        theirs = max(error(g, t) for g, t in zip(contest.theirs.gradients, truth))
        rows.append((case.name, f"{1e6 * comparison.ours.least:.0f}", f"{flops / 1e9:.1f}",
                     f"{100 * flops / peak:.0f}", f"{1e6 * comparison.theirs.least:.0f}", ratio_text(comparison),
                     f"{ours:.1e}", f"{theirs:.1e}"))  # fmt: skip
    return ["## Backward, float32", report.table(header, rows), f"Geometric mean: {mean_ratio(ratios):.2f}."]


def compare_threads(contest):
    one = Resident([contest.given.binaries / "attend_attention_bench"], 1)
    rows = []
    for case in cases_of(contest.given, LONG):
        contest.open(case)
        contest.lay_out(one)
        row = [case.name]
        for what in ("forward", "backward"):
            for side in (contest.ours, one):  # backward starts from what forward made
                side.ask(do="forward", calls=1)
            calls = contest.calls(what)
            timing = take_turns(contest.ours.seconds(do=what, calls=calls), one.seconds(do=what, calls=calls),
                                contest.given.rounds)
            row.append(ratio_text(timing))
        rows.append((*row, contest.facts["scratch"] // 1024, contest.facts["backward_scratch"] // 1024))
    one.close()
    header = ("B, H, T, D", "forward", "backward", "scratch forward, KiB", "scratch backward, KiB")
    return [f"## One thread to {contest.given.threads}", report.table(header, rows)]


COMPARE = {"forward": compare_forward, "short": compare_short, "backward": compare_backward,
           "threads": compare_threads}  # fmt: skip


def introduction(given):
    return (f"Normal numbers, the fastest of {given.rounds} turns of each side, {given.threads} threads; a turn repeats a "
            f"short call for {1e3 * TURN_SECONDS:.0f} ms. A causal mask halves what is counted as operations. The peak is "
            "that of multiply-adds of all threads together, measured after each case. Errors are the largest differences "
            "from float64. PyTorch is called from Python, which costs some microseconds a call; we are not.")  # fmt: skip


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    ours = Resident([given.binaries / "attend_attention_bench"], given.threads)
    facts = ours.ask(do="facts")
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(given, ours, pathlib.Path(folder))
        parts = [part for group in given.only or GROUPS for part in COMPARE[group](contest)]
    ours.close()
    report.write("attention", "Attention: attend against PyTorch and unfused oneDNN",
                 report.command_line("attention", sys.argv[2:]), [introduction(given), *parts],
                 [("PyTorch", torch.__version__), ("attend's instruction set", facts["isa"])],
                 keep=not given.smoke and not given.only)  # fmt: skip


if __name__ == "__main__":
    main()
