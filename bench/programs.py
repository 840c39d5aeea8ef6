"""Benchmarks that need nothing but a program of ours: runs it and reports what it measured.

  ./run bench kernels [ISA] [THREADS]
  ./run bench decode [--threads N] [--isa NAME] [--page TOKENS] [--only TYPE] [--most-keys N]

Results are kept when there are no arguments.
"""

import json
import pathlib
import subprocess
import sys

import report


def kernels(measured):
    peak = measured["peak"]

    def cells(seconds, rate):
        return f"{1e6 * seconds:.1f}", f"{rate / 1e9:.1f}", f"{100 * rate / peak:.0f}"

    rows = [(f"{row['what']}: {row['H']}, {row['Tq']}, {row['Tk']}, {row['D']}",
             *cells(row["forward"], row["forward_rate"]), *cells(row["backward"], row["backward_rate"]))
            for row in measured["rows"]]  # fmt: skip
    return "The attention kernels alone", [
        f"float32, {measured['threads']} thread(s); the multiply-add peak is {peak / 1e9:.1f} GF/s, one thread's times "
        "threads. Operations are 4 H Tq Tk D forward and 10 backward, half of that under a causal mask. The fastest of "
        "many calls.",
        report.table(("what: H, Tq, Tk, D", "forward, us", "GF/s", "% of peak", "backward, us", "GF/s", "% of peak"),
                     rows)]  # fmt: skip


def decode(measured):
    def cells(row, what):
        return f"{row[what] / 1e9:.1f}", f"{100 * row[what] / row['bandwidth']:.0f}"

    rows = [(f"{row['type']}, {row['B']}, {row['keys']}", f"{row['bandwidth'] / 1e9:.1f}", *cells(row, "single"),
             *cells(row, "grouped")) for row in measured["rows"]]  # fmt: skip
    return "Decoding from a KV cache alone", [
        f"{measured['threads']} threads, 8 key/value heads of width 128, "
        f"{'pages of ' + str(measured['page']) + ' tokens' if measured['page'] else 'contiguous'}; GB/s of keys and "
        "values, none of which is in the processor's cache. The fastest of several, in turns with the bandwidth.",
        report.table(("stored, B, keys", "read", "8 heads", "% of read", "32 over 8", "% of read"), rows)]  # fmt: skip


def main():
    binaries, name, words = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    done = subprocess.run([binaries / f"attend_{name}_bench", "--json", *words], stdout=subprocess.PIPE, text=True,
                          check=False)  # fmt: skip
    if done.returncode != 0:
        sys.exit(done.returncode)
    measured = json.loads(done.stdout)
    title, parts = {"kernels": kernels, "decode": decode}[name](measured)
    report.write(name, title, report.command_line(name, words), parts, {"attend's instruction set": measured["isa"]},
                 keep=not words)  # fmt: skip


if __name__ == "__main__":
    main()
