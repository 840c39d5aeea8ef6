"""Results as Markdown, with all that somebody needs to judge and repeat them."""

import datetime
import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"

INSTRUCTION_SETS = ("sse4_2", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile",
                    "asimd", "sve", "sve2")  # fmt: skip


def output_of(*command):
    """The first line that a command prints, or nothing when there is no such command."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.splitlines()[0].strip() if done.stdout else ""


def cpu_facts():
    """Fields of the first processor in /proc/cpuinfo."""
    facts = {}
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if not line.strip():
                break
            key, _, value = line.partition(":")
            facts[key.strip()] = value.strip()
    except OSError:
        pass
    return facts


def machine():
    """What the numbers were taken on, as pairs of a name and a value. No host names, no paths."""
    cpu = cpu_facts()
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    commit = output_of("git", "rev-parse", "--short=12", "HEAD")
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "include", "bench/*.cc")
    model = f"{cpu.get('model name', platform.machine())}"
    if "cpu family" in cpu:
        model += f" (family {cpu['cpu family']}, model {cpu['model']})"
    return [
        ("CPU", model),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("instruction sets", " ".join(name for name in INSTRUCTION_SETS if name in flags)),
        ("system", f"{platform.system()} {platform.release().split('-')[0]}"),
        ("compiler", output_of("c++", "--version")),
        ("oneDNN", output_of("dpkg-query", "-W", "-f=${Version}", "libdnnl-dev")),
        ("libvips", output_of("dpkg-query", "-W", "-f=${Version}", "libvips-dev")),
        ("commit", commit + (" with uncommitted changes" if changed else "")),
        ("date", datetime.date.today().isoformat()),
    ]


def table(header, rows):
    """A Markdown table, columns as wide as their widest cell; the first to the left, others to the right."""
    cells = [list(header)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        padded = [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def write(name, title, command, parts, versions=(), keep=True):
    """Prints the parts (tables and sentences); keeps them as bench/results/NAME.md when told to."""
    facts = machine() + list(versions) + [("command", f"`{command}`")]
    text = "\n\n".join([f"# {title}", *parts, table(("machine", ""), facts)]) + "\n"
    print(text)
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text)


def command_line(name, words):
    """The command to repeat it with. Of files, the last part of their names."""
    return " ".join(["./run bench", name, *(pathlib.PurePath(w).name if w.startswith("/") else w for w in words)])


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f}"
