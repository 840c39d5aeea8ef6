"""Errors against float64, as attend_numerics_bench prints them, with what they were taken on."""

import pathlib
import subprocess
import sys

import report


def main():
    binaries, *words = sys.argv[1:]
    done = subprocess.run([pathlib.Path(binaries) / "attend_numerics_bench", *words], stdout=subprocess.PIPE, text=True,
                          check=True)  # fmt: skip
    report.write("numerics", "Errors against float64", report.command_line("numerics", words), [done.stdout.strip()],
                 keep=not words)  # fmt: skip


if __name__ == "__main__":
    main()
