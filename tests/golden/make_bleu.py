"""Makes translation_bleu.json: what sacreBLEU, with its defaults, says of some corpora, and how it cuts their lines.

Small corpora of awkward lines (numbers, quotes, entities, Unicode's spaces, nothing at all), and made-up sentences against
themselves with words dropped and swapped.

    python3 tests/golden/make_bleu.py tests/golden/translation_bleu.json
"""
import json
import pathlib
import random
import sys

import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

LINES = ["Ein Mann, 3.5 m groß, sagt: \"Hallo!\"", "1,000.50-2 Stück (etwa) - gut.", "well-known U.S. 9-5 job...",
         "&quot;A&quot; &amp; B &lt;C&gt; &amp;lt;", "a\u00a0b\u2009c\u3000d\u0085e", "", "   ", "..,,..", "3,", ",3 .5", "a.b.c",
         "Don't stop <skipped>now", "x-\u00e9-y 5-\u00e9", "Stra\u00dfe/Weg [1] {2} ~3~ ^_`", "tab\there", "\u00e9.\u00e9,\u00fc", "A@B #1 $5 100% *",
         "\u4f60\u597d\u3002 \u201cquoted\u201d \u2013 dash", "1.2.3,4,5-6-7", "-", "5-", "a - b"]

random.seed(3)
WORDS = "der die das ein eine Hund Mann Frau Kind Ball läuft spielt sieht wirft am im Park Strand grünen, roten, und mit während".split()
made = [" ".join(random.choice(WORDS) for _ in range(random.randint(5, 16))).capitalize() + "." for _ in range(60)]


def worn(line, amount):
    words = [w for w in line.split(" ") if random.random() > amount]
    for _ in range(int(len(words) * amount)):
        i, j = random.randrange(len(words)), random.randrange(len(words))
        words[i], words[j] = words[j], words[i]
    return " ".join(words)


corpora = [([LINES[i] for i in order], LINES) for order in
           [list(range(len(LINES))), list(range(len(LINES)))[::-1], [i ^ 1 for i in range(len(LINES))]]]
corpora += [([line], [other]) for line, other in
            [("the cat", "the cat"), ("a b c d", "a b c d"), ("a b c d e", "a x c y e"), ("", "a b"), ("a b", ""), ("x", "y"),
             ("a b c d e f g", "a b c d"), ("der Hund bellt laut .", "der Hund bellt sehr laut.")]]
corpora += [([worn(line, amount) for line in made], made) for amount in (0.05, 0.2, 0.5)]

metric = sacrebleu.BLEU()
result = {"signature": None, "lines": [{"line": line, "words": Tokenizer13a()(line.rstrip()).split()} for line in LINES], "corpora": []}
for hypotheses, references in corpora:
    score = metric.corpus_score(hypotheses, [references])
    result["corpora"].append({"translations": hypotheses, "references": references, "bleu": score.score})
result["signature"] = str(metric.get_signature())
pathlib.Path(sys.argv[1]).write_text(json.dumps(result, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
