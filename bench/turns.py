"""Timing two programs against each other on one machine: in turns, so that both see the same weather."""

import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

# The threads of an OpenMP runtime wait busily for a while after each region, and would take a core from the other
# side: each turn begins with a rest that is longer than that, and with one run that is not counted.
REST_SECONDS = 0.03
# Work that takes longer than this does not need the run that is not counted, but for the first time.
LONG_SECONDS = 0.5
# What a comparison that is cut short has had at least.
FEWEST_ROUNDS = 3


@dataclass(frozen=True)
class Timing:
    """Seconds of one side."""

    times: tuple

    @property
    def least(self):
        return min(self.times)

    @property
    def median(self):
        return statistics.median(self.times)


@dataclass(frozen=True)
class Comparison:
    ours: Timing
    theirs: Timing

    @property
    def ratio(self):
        """How many times as fast we are, by the fastest runs."""
        return self.theirs.least / self.ours.least

    @property
    def median_ratio(self):
        return self.theirs.median / self.ours.median


def turns_of(sides, rounds, most_seconds=math.inf):
    """Each of `sides` does the work once and returns its seconds, taken on its own clock -> a Timing of each.

    A comparison that takes longer than `most_seconds` ends, once it has had a few rounds.
    """
    times = [[] for _ in sides]
    start = time.perf_counter()
    for done in range(rounds):
        if done >= FEWEST_ROUNDS and time.perf_counter() - start > most_seconds:
            break
        for work, seconds in zip(sides, times):
            time.sleep(REST_SECONDS)
            if not seconds or seconds[-1] < LONG_SECONDS:
                work()
            seconds.append(work())
    return [Timing(tuple(seconds)) for seconds in times]


def take_turns(ours, theirs, rounds):
    """turns_of() two sides -> Comparison"""
    return Comparison(*turns_of((ours, theirs), rounds))


def timed(work):
    """A function that does `work` and returns its seconds."""

    def run():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


class Resident:
    """A benchmark program of ours that stays up and answers lines of JSON."""

    def __init__(self, command, threads):
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, **request):
        """The answer to a request; an error of the program ends the benchmark with its message."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended with code {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit(answer["error"])
        return answer

    def seconds(self, **request):
        """A function that asks and returns the seconds that the work took."""
        return lambda: self.ask(**request)["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class ProcessRun:
    seconds: float  # from exec to exit
    peak_bytes: int  # resident memory


def run_process(command, threads):
    """Runs a program to its end. Its failure ends the benchmark; what it prints is dropped."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "VIPS_CONCURRENCY": str(threads)}
    measure = pathlib.Path(__file__).with_name("run_and_measure.py")
    time.sleep(REST_SECONDS)
    done = subprocess.run([sys.executable, "-S", measure, *map(str, command)], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    measured = json.loads(done.stdout.splitlines()[-1])
    if measured["code"] != 0:
        raise SystemExit(f"{pathlib.Path(command[0]).name} ended with code {measured['code']}")
    return ProcessRun(measured["seconds"], measured["peak_bytes"])
