"""Groups of ./run bench attention in float32: forward, short and odd shapes, backward, threads."""

import report
from attention_cases import LONG, SHORT, VISION
from contest import error, mean_ratio, microseconds, ratio
from pytorch_attention import PyTorchAttention, gradients_of_truth, rows_of_truth

COLUMNS = ("B, H, T, D", "attend, us", "GF/s", "% of peak", "PyTorch, us", "ratio", "error", "PyTorch's error")


class Pair:
    """A case on both sides."""

    def __init__(self, contest, case):
        self.contest, self.case, self.tensors = contest, case, case.tensors()
        self.theirs = PyTorchAttention(case, self.tensors)
        contest.lay_out(self.tensors, causal=case.causal)

    def forward(self, *others):
        """Timings of ours, PyTorch's and other turns."""
        calls = self.contest.calls("forward")
        return self.contest.turns(self.contest.our_turn("forward", calls),
                                  self.contest.their_turn(self.theirs.forward, calls),
                                  *(self.contest.our_turn(other, calls) for other in others))  # fmt: skip

    def row(self, ours, theirs):
        rows, truth = rows_of_truth(self.case, self.tensors)
        flops, peak = 2 * self.case.products / ours.least, self.contest.peak()
        return [self.case.name, microseconds(ours), f"{flops / 1e9:.1f}", f"{100 * flops / peak:.0f}",
                microseconds(theirs), f"{ratio(ours, theirs):.2f}",
                f"{error(self.contest.results()['output'][:, :, rows], truth):.1e}",
                f"{error(self.theirs.output[:, :, rows], truth):.1e}"]  # fmt: skip


def forward(contest):
    plain, causal, rows = [], [], []
    for case in contest.cases(LONG + VISION):
        pair = Pair(contest, case)
        ours, theirs = pair.forward()
        (causal if case.is_causal else plain).append(ratio(ours, theirs))
        rows.append(pair.row(ours, theirs))
    return [report.table(COLUMNS, rows),
            f"Geometric means: plain {mean_ratio(plain):.2f}, causal {mean_ratio(causal):.2f}."]  # fmt: skip


def short(contest):
    rows, slower = [], []
    for case in contest.cases(SHORT):
        pair = Pair(contest, case)
        ours, theirs, *unfused = pair.forward(*([] if case.is_causal else ["unfused"]))
        slower += [case.name] * (ratio(ours, theirs) < 1)
        slower += [f"{case.name} (oneDNN)" for other in unfused if ratio(ours, other) < 1]
        row = pair.row(ours, theirs)
        rows.append([*row[:6], f"{ratio(ours, unfused[0]):.2f}" if unfused else "-", *row[6:]])
    verdict = f"Slower than a peer: {', '.join(slower)}." if slower else "None is slower than either peer."
    return [report.table((*COLUMNS[:6], "unfused oneDNN, ratio", *COLUMNS[6:]), rows), verdict]


def backward(contest):
    rows, ratios = [], []
    for case in contest.cases(LONG + VISION):
        pair = Pair(contest, case)
        contest.ours.ask(do="forward", calls=1)
        pair.theirs.prepare_backward()
        calls = contest.calls("backward")
        ours, theirs = contest.turns(contest.our_turn("backward", calls),
                                     contest.their_turn(pair.theirs.backward, calls))  # fmt: skip
        ratios.append(ratio(ours, theirs))
        flops = 5 * case.products / ours.least
        errors = gradient_errors(contest.results(), pair.theirs.gradients, gradients_of_truth(case, pair.tensors))
        rows.append([case.name, microseconds(ours), f"{flops / 1e9:.1f}", f"{100 * flops / contest.peak():.0f}",
                     microseconds(theirs), f"{ratio(ours, theirs):.2f}", *(f"{e:.1e}" for e in errors)])  # fmt: skip
    return [report.table((*COLUMNS[:6], "largest error of a gradient", "PyTorch's"), rows),
            f"Geometric mean: {mean_ratio(ratios):.2f}."]  # fmt: skip


def gradient_errors(ours, theirs, truth):
    """The largest error of the three gradients, ours and theirs."""
    names = ("query_gradient", "key_gradient", "value_gradient")
    return (max(error(ours[name], t) for name, t in zip(names, truth)),
            max(error(g, t) for g, t in zip(theirs, truth)))  # fmt: skip


def threads(contest):
    one = contest.resident("attention", threads=1)
    rows = []
    for case in contest.cases(LONG):
        row = [case.name]
        for side in (contest.ours, one):
            contest.lay_out(case.tensors(), side, causal=case.causal)
        for what in ("forward", "backward"):
            for side in (contest.ours, one):  # backward starts from what forward made
                side.ask(do="forward", calls=1)
            calls = contest.calls(what)
            ours, alone = contest.turns(contest.our_turn(what, calls), contest.our_turn(what, calls, one))
            row.append(f"{ratio(ours, alone):.2f}")
        rows.append(row)
    one.close()
    return [f"How many times as fast {contest.given.threads} threads are as one.",
            report.table(("B, H, T, D", "forward", "backward"), rows)]  # fmt: skip
