"""Group of ./run bench attention: bfloat16 and float16, against our own float32 and against PyTorch in that type."""

import torch

import report
from attention_cases import LONG, VISION
from attention_float32 import gradient_errors
from contest import error, mean_ratio, microseconds, ratio
from pytorch_attention import PyTorchAttention, gradients_of_truth, rows_of_truth

TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
COLUMNS = ("B, H, T, D", "attend, us", "% of float32 peak", "against our float32", "PyTorch, us", "ratio", "error",
           "PyTorch's error")  # fmt: skip


def forward_row(contest, case, name):
    """Our float32 has the numbers unrounded, the others rounded; the truth is that of the rounded numbers."""
    tensors = case.tensors()
    rounded = {key: tensor.to(TYPES[name]) for key, tensor in tensors.items()}
    theirs = PyTorchAttention(case, rounded)
    contest.lay_out(tensors, causal=case.causal, name="float32")
    contest.lay_out(rounded, causal=case.causal, dtype=name, name=name)
    calls = contest.calls("forward", name="float32")
    ours, single, them = contest.turns(contest.our_turn("forward", calls, name=name),
                                       contest.our_turn("forward", calls, name="float32"),
                                       contest.their_turn(theirs.forward, calls))  # fmt: skip
    rows, truth = rows_of_truth(case, rounded)
    flops = 2 * case.products / ours.least
    row = [case.name, microseconds(ours), f"{100 * flops / contest.peak():.0f}", f"{ratio(ours, single):.2f}",
           microseconds(them), f"{ratio(ours, them):.2f}",
           f"{error(contest.results(name=name)['output'][:, :, rows], truth):.1e}",
           f"{error(theirs.output[:, :, rows], truth):.1e}"]  # fmt: skip
    return row, ratio(ours, single), ratio(ours, them)


def backward_row(contest, case, name):
    """As forward_row, of the three gradients."""
    tensors = case.tensors()
    rounded = {key: tensor.to(TYPES[name]) for key, tensor in tensors.items()}
    theirs = PyTorchAttention(case, rounded)
    contest.lay_out(tensors, causal=case.causal, name="float32")
    contest.lay_out(rounded, causal=case.causal, dtype=name, name=name)
    for one in ("float32", name):  # backward starts from what forward made
        contest.ours.ask(do="forward", name=one, calls=1)
    theirs.prepare_backward()
    calls = contest.calls("backward", name="float32")
    ours, single, them = contest.turns(contest.our_turn("backward", calls, name=name),
                                       contest.our_turn("backward", calls, name="float32"),
                                       contest.their_turn(theirs.backward, calls))  # fmt: skip
    flops = 5 * case.products / ours.least
    errors = gradient_errors(contest.results(name=name), theirs.gradients, gradients_of_truth(case, rounded))
    row = [case.name, microseconds(ours), f"{100 * flops / contest.peak():.0f}", f"{ratio(ours, single):.2f}",
           microseconds(them), f"{ratio(ours, them):.2f}", *(f"{e:.1e}" for e in errors)]  # fmt: skip
    return row, ratio(ours, single), ratio(ours, them)


def halves(contest):
    parts = []
    for what, row_of in (("Forward", forward_row), ("Backward", backward_row)):
        for name in TYPES:
            rows, singles, peers = zip(*(row_of(contest, case, name) for case in contest.cases(LONG + VISION)))
            contest.ours.ask(do="forget")
            parts += [f"## {what}, {name}", report.table(COLUMNS, rows),
                      f"Geometric means: against our float32 {mean_ratio(singles):.2f}, against PyTorch in {name} "
                      f"{mean_ratio(peers):.2f}."]  # fmt: skip
    return parts
