"""Results with all that somebody needs to judge and repeat them: as facts in JSON, and as Markdown made from those."""

import datetime
import json
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
    """What the numbers were taken on, by name. No host names, no paths."""
    cpu = cpu_facts()
    flags = set(cpu.get("flags", cpu.get("Features", "")).split())
    commit = output_of("git", "rev-parse", "--short=12", "HEAD")
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "include", "bench/*.cc")
    model = f"{cpu.get('model name', platform.machine())}"
    if "cpu family" in cpu:
        model += f" (family {cpu['cpu family']}, model {cpu['model']})"
    return {
        "CPU": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "instruction sets": " ".join(name for name in INSTRUCTION_SETS if name in flags),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "compiler": output_of("c++", "--version"),
        "oneDNN": output_of("dpkg-query", "-W", "-f=${Version}", "libdnnl-dev"),
        "libvips": output_of("dpkg-query", "-W", "-f=${Version}", "libvips-dev"),
        "commit": commit + (" with uncommitted changes" if changed else ""),
        "date": datetime.date.today().isoformat(),
    }


def table(header, rows):
    """A part of a report: rows of cells below a header."""
    return {"header": list(header), "rows": [[str(cell) for cell in row] for row in rows]}


def markdown_table(header, rows):
    """Columns as wide as their widest cell; the first to the left, others to the right."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        padded = [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def markdown_part(part):
    """A heading or a sentence is its own Markdown."""
    return part if isinstance(part, str) else markdown_table(part["header"], part["rows"])


def markdown(result):
    facts = markdown_table(["machine", ""], [list(fact) for fact in result["machine"].items()])
    method = [result["method"]] if result.get("method") else []
    return "\n\n".join([f"# {result['title']}", *method, *map(markdown_part, result["parts"]), facts]) + "\n"


def write(name, title, command, parts, versions=(), keep=True, method=""):
    """Prints the parts (headings, sentences and tables); keeps them as bench/results/NAME.json and .md when told to.

    `method`, how it was measured, comes before the parts, but not in docs/performance.md, which says it once for all.
    """
    facts = machine() | dict(versions) | {"command": f"`{command}`"}
    result = {"title": title, "method": method, "machine": facts, "parts": list(parts)}
    print(markdown(result), flush=True)
    if keep:
        path = RESULTS / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        path.with_suffix(".md").write_text(markdown(result))


def command_line(name, words):
    """The command to repeat it with. Of files, the last part of their names."""
    return " ".join(["./run bench", name, *(pathlib.PurePath(w).name if w.startswith("/") else w for w in words)])


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f}"
