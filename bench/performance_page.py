"""Puts what is in bench/results into docs/performance.md, between its markers.

  ./run bench report [--check]

A marker `<!-- results: NAME -->` stands for bench/results/NAME.json, and `<!-- results: NAME, HEADING -->` for what is
there below a heading; all up to `<!-- end of results -->` is replaced. The prose around is written by hand. The
Markdown beside each JSON file is written anew too. --check writes nothing, and fails where something would change.
"""

import argparse
import json
import re
import sys

import report

PAGE = report.ROOT / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- results: ([^,>]+?)(?:, ([^>]+?))? -->\n)(.*?)(<!-- end of results -->)", re.DOTALL)


def command_for(name):
    """How results come to be."""
    command, _, group = name.partition("/")
    return f"./run bench {command}" + (f" --only {group}" if group else "")


def below(heading, parts):
    """The parts between a heading and the next, the heading left out."""
    try:
        start = parts.index(f"## {heading}") + 1
    except ValueError:
        raise SystemExit(f"{PAGE.name}: no heading \"{heading}\" in the results") from None
    following = parts[start:]
    ends = [i for i, part in enumerate(following) if is_heading(part)]
    return following[: ends[0]] if ends else following


def is_heading(part):
    return isinstance(part, str) and part.startswith("#")


def provenance(machine):
    facts, libraries = ("CPU", "instruction sets", "compiler"), ("PyTorch", "transformers", "CTranslate2", "ggml", "oneDNN")
    versions = [machine[name] for name in facts if machine.get(name)]
    versions += [f"{name} {machine[name]}" for name in libraries if machine.get(name)]
    return f"*{machine['command']}, commit {machine['commit']}, {machine['date']}: {'; '.join(versions)}.*"


def level(page):
    """How deep the last heading of a page is."""
    return len(re.findall(r"^(#+) ", page, re.MULTILINE)[-1])


def block(results, name, heading, depth):
    """The Markdown that stands for a marker below a heading so deep."""
    path = results / f"{name}.json"
    if not path.exists():
        return f"Not measured yet: `{command_for(name)}` does."
    result = json.loads(path.read_text())
    parts = below(heading, result["parts"]) if heading else result["parts"]
    demoted = ["#" * (depth - 1) + part if is_heading(part) else part for part in parts]
    return "\n\n".join([*map(report.markdown_part, demoted), provenance(result["machine"])])


def page_with_results(page, results=report.RESULTS):
    def fill(found):
        return f"{found[1]}\n{block(results, found[2], found[3], level(page[: found.start()]))}\n\n{found[5]}"

    return BLOCK.sub(fill, page)


def files(results=report.RESULTS):
    """Every file that is made from others -> pairs of its path and what should be in it."""
    yield PAGE, page_with_results(PAGE.read_text(), results)
    for path in sorted(results.rglob("*.json")):
        yield path.with_suffix(".md"), report.markdown(json.loads(path.read_text()))


def main():
    parser = argparse.ArgumentParser(prog="./run bench report", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [(path, text) for path, text in files() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(report.ROOT)}: {'out of date, ./run bench report renews it' if check else 'renewed'}")
        if not check:
            path.write_text(text)
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
