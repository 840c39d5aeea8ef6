"""Groups of ./run bench attention about ours alone: what options cost, and memory."""

from dataclasses import dataclass, field

import torch

import report
from attention_cases import Case
from contest import microseconds, ratio


@dataclass(frozen=True)
class Option:
    """A call with something asked, beside the plain one."""

    name: str
    what: str = "forward"
    request: dict = field(default_factory=dict)
    bias: bool = False


OPTIONS = (
    Option("lse", request={"results": ["lse"]}),
    Option("weights", request={"results": ["weights"]}),
    Option("head_mean", request={"results": ["head_mean"]}),
    Option("column_sums", request={"results": ["column_sums"]}),
    Option("head_mean and column_sums", request={"results": ["head_mean", "column_sums"]}),
    Option("dropout 0.1", request={"dropout": 0.1, "results": []}),
    Option("bias", request={"results": []}, bias=True),
    Option("dropout 0.1", "backward", {"dropout": 0.1}),
    Option("bias", "backward", bias=True),
    Option("bias and its gradient", "backward", {"results": ["lse", "bias_gradient"]}, bias=True),
)
OPTION_CASES = (Case(1, 8, 1024, 64), Case(1, 8, 1024, 64, causal="upper_left"))


def bias_of(case):
    return {"bias": torch.randn(1, case.Hq, case.Tq, case.keys, generator=torch.Generator().manual_seed(2))}


def option_row(contest, case, option):
    tensors = case.tensors()
    results = [] if option.what == "forward" else ["lse"]
    contest.lay_out(tensors, name="plain", causal=case.causal, results=results)
    contest.lay_out(tensors | (bias_of(case) if option.bias else {}), name="option", causal=case.causal,
                    **option.request)  # fmt: skip
    for name in ("plain", "option"):  # backward starts from what forward made
        contest.ours.ask(do="forward", name=name, calls=1)
    calls = contest.calls(option.what, name="plain")
    plain, ours = contest.turns(contest.our_turn(option.what, calls, name="plain"),
                                contest.our_turn(option.what, calls, name="option"))  # fmt: skip
    return [f"{case.name}: {option.what}, {option.name}", microseconds(plain), microseconds(ours),
            f"{ratio(plain, ours):.2f}"]  # fmt: skip


def options(contest):
    rows = [option_row(contest, case, option) for case in OPTION_CASES for option in contest.cases(OPTIONS)]
    contest.ours.ask(do="forget")
    return ["How many times as long a call takes that asks for something more than `output`, or backward for the three "
            "gradients. float32.",
            report.table(("B, H, T, D", "plain, us", "with the option, us", "times as long"), rows)]  # fmt: skip


MOST_SCRATCH = 64e6
MEMORY_CASES = [(Case(1, 8, 16384, D, causal=causal), dtype) for D in (64, 128) for causal in ("none", "upper_left")
                for dtype in ("float32", "bfloat16")]  # fmt: skip


def memory_rows(contest, case, dtype):
    """Of forward and backward, in a process of their own."""
    resident = contest.resident("attention")
    facts = contest.lay_out(case.tensors(), resident, causal=case.causal, dtype=dtype)
    for what, scratch in (("forward", "scratch"), ("backward", "backward_scratch")):
        held = resident.ask(do="memory", of=what)["bytes"]
        yield [f"{case.name}, {dtype}: {what}", facts[scratch], held]
    resident.close()


def memory(contest):
    rows = [row for case, dtype in contest.cases(MEMORY_CASES) for row in memory_rows(contest, case, dtype)]
    most = max(max(declared, held) for _, declared, held in rows)
    verdict = "below" if most < MOST_SCRATCH else "not below"
    return ["Scratch as the library declares it before the call, and what the process held more during the call than "
            "before it, operands and results not counted.",
            report.table(("B, H, T, D", "declared, MB", "measured, MB"),
                         [(name, f"{declared / 1e6:.2f}", f"{held / 1e6:.2f}") for name, declared, held in rows]),
            f"The most is {most / 1e6:.2f} MB: {verdict} {MOST_SCRATCH / 1e6:.0f} MB."]  # fmt: skip
