"""Sentences to sentences: attend against CTranslate2 with the same weights, in turns.

  ./run bench translate [--model FILE] [--sentences FILE] [--rounds N] [--threads N] [--smoke]
"""

import argparse
import pathlib
import sys
import tempfile

import ctranslate2
import report
from ctranslate2_model import OurModel, convert
from turns import Resident, take_turns, timed

SHARED = report.ROOT.parent / "shared" / "data" / "multi30k"
COLUMNS = ("batch, beam", "pieces", "attend, pieces/s", "CTranslate2, pieces/s", "ratio", "ratio of medians",
           "same translations")
# Batches, and of how many sentences each: fewer one by one, which takes longer.
WORK = ((1, 1, 50), (1, 5, 50), (32, 1, 320), (32, 5, 320))
# A beam of one is not quite greedy on our side: a sentence that may end here, and would score better so, does.
EQUAL_AT_LEAST = 0.85


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench translate", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=pathlib.Path, default=report.ROOT / "models" / "attend-en-de.safetensors",
                        help="a file of attend train-translate (default: the shipped model)")
    parser.add_argument("--sentences", type=pathlib.Path, default=SHARED / "test_2016_flickr.en",
                        help="a file with a sentence a line (default: Multi30k's test_2016_flickr.en)")
    parser.add_argument("--rounds", type=int, default=8, help="turns of each side (default 8)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="few sentences, one turn; keeps no results")
    given = parser.parse_args()
    if not given.sentences.exists():
        parser.error(f"{given.sentences}: no such file")
    return given


class CTranslate2:
    """CTranslate2's translator over numbers of pieces."""

    def __init__(self, model, folder, threads):
        self.model = model
        self.number_of = {token: number for number, token in enumerate(model.vocabulary)}
        self.translator = ctranslate2.Translator(
            str(folder), device="cpu", compute_type="float32", inter_threads=1, intra_threads=threads)

    def translate(self, sources, beam, at_once):
        tokens = [[self.model.token(number) for number in source] for source in sources]
        # A batch at once, or one after the other: what asks for them waits in both cases.
        batches = [tokens] if at_once > 1 else [[sentence] for sentence in tokens]
        found = []
        for batch in batches:
            found += self.translator.translate_batch(batch, beam_size=beam, max_batch_size=at_once,
                                                     max_decoding_length=255, length_penalty=1.0)
        return [[self.number_of[token] for token in result.hypotheses[0]] for result in found]


def compare(ours, theirs, sources, beam, at_once, rounds):
    request = {"sources": sources, "beam": beam, "at_once": at_once}
    said, expected = ours.ask(**request)["translations"], theirs.translate(sources, beam, at_once)
    equal = sum(a == b for a, b in zip(said, expected)) / len(sources)
    if equal < EQUAL_AT_LEAST:
        raise SystemExit(f"bench: only {equal:.0%} of the translations are those of CTranslate2")
    timing = take_turns(ours.seconds(**request), timed(lambda: theirs.translate(sources, beam, at_once)), rounds)
    pieces = sum(map(len, said)), sum(map(len, expected))
    rates = pieces[0] / timing.ours.least, pieces[1] / timing.theirs.least
    medians = pieces[0] / timing.ours.median, pieces[1] / timing.theirs.median
    return (f"{at_once}, {beam}", f"{pieces[0]}", f"{rates[0]:.0f}", f"{rates[1]:.0f}", f"{rates[0] / rates[1]:.2f}",
            f"{medians[0] / medians[1]:.2f}", f"{equal:.1%}")


def main():
    given = arguments()
    model = OurModel(given.model)
    sources = [model.pieces.encode(line) for line in given.sentences.read_text(encoding="utf-8").splitlines()]
    ours = Resident([given.binaries / "attend_translate_bench", given.model], given.threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        convert(model, ours.ask(do="special"), pathlib.Path(folder) / "model")
        theirs = CTranslate2(model, pathlib.Path(folder) / "model", given.threads)
        for at_once, beam, count in WORK:
            rows.append(compare(ours, theirs, sources[:16 if given.smoke else count], beam, at_once,
                                1 if given.smoke else given.rounds))
            print(rows[-1], file=sys.stderr)
    ours.close()
    shape = model.config["decoder"]
    parts = [f"Sentences of Multi30k's test_2016_flickr, pieces to pieces, by one model in float32: {model.config['encoder']['layers']} + "
             f"{shape['layers']} layers of width {shape['width']}, {shape['pieces']} pieces. Pieces said a second in the fastest of "
             f"{given.rounds} turns; {given.threads} threads.", report.table(COLUMNS, rows)]
    report.write("translate", "Translation against CTranslate2",
                 report.command_line("translate", sys.argv[2:]), parts,
                 [("CTranslate2", ctranslate2.__version__)], keep=not given.smoke)


if __name__ == "__main__":
    main()
