"""Both sides of the attention benchmark, with the same numbers before them."""

import math

from safetensors.torch import load_file, save_file

from turns import Resident, timed, turns_of

TURN_SECONDS = 0.02  # a turn repeats short calls for so long
COMPARISON_SECONDS = 8  # after these, slow calls have had turns enough


class Contest:
    """Our resident program, and a folder to exchange numbers with it."""

    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.ours = self.resident("attention")
        self.isa = self.ours.ask(do="facts")["isa"]
        self.highest_peak = 0

    def resident(self, program, *words, threads=None):
        """attend_PROGRAM_bench, started."""
        return Resident([self.given.binaries / f"attend_{program}_bench", *words], threads or self.given.threads)

    def save(self, tensors):
        """The path of a file with the tensors, until the next call."""
        path = self.folder / "data.safetensors"
        save_file(tensors, path)
        return str(path)

    def lay_out(self, tensors, resident=None, **problem):
        """The problem's facts, and the problem ready in our program."""
        return (resident or self.ours).ask(do="case", data=self.save(tensors), **problem)

    def calls(self, what, resident=None, name=""):
        """How often a turn repeats a call of ours."""
        once = (resident or self.ours).ask(do=what, name=name, calls=1)["seconds"]
        return max(1, round(TURN_SECONDS / once)) if once < TURN_SECONDS else 1

    def our_turn(self, what, calls, resident=None, name=""):
        return (resident or self.ours).seconds(do=what, name=name, calls=calls)

    def their_turn(self, work, calls):
        """A turn of what is called from Python: work(calls)."""
        run = timed(lambda: work(calls))
        return lambda: run() / calls

    def turns(self, *sides):
        return turns_of(sides, self.given.rounds, COMPARISON_SECONDS)

    def peak(self):
        """The highest so far: a neighbour's work can only make it look lower than it is."""
        self.highest_peak = max(self.highest_peak, *(self.ours.ask(do="peak")["flops"] for _ in range(3)))
        return self.highest_peak

    def results(self, resident=None, **case):
        """What our program computed last."""
        path = self.folder / "results.safetensors"
        (resident or self.ours).ask(do="write", path=str(path), **case)
        return load_file(path)

    def cases(self, cases):
        """All, or two when it is only to be seen that they run."""
        return cases[:2] if self.given.smoke else cases

    def close(self):
        self.ours.close()


def error(found, truth):
    """The largest difference; NaN is one."""
    return (found.double() - truth).abs().max().item()


def microseconds(timing):
    return f"{1e6 * timing.least:.1f}" if timing.least < 1e-3 else f"{1e6 * timing.least:.0f}"


def ratio(ours, theirs):
    """How many times as fast we are, by the fastest turns."""
    return theirs.least / ours.least


def mean_ratio(ratios):
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))
