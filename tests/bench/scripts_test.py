"""The benchmark's scripts, as far as they go without PyTorch; and that the page of results is what they make."""

import json
import pathlib
import tempfile
import unittest
from unittest import mock

import performance_page
import programs
import report
import turns

RESULT = {
    "title": "Things",
    "method": "With a clock.",
    "machine": {"CPU": "a processor", "compiler": "c++ 1", "PyTorch": "2.15", "commit": "abc", "date": "2026-01-02",
                "command": "`./run bench things`"},
    "parts": ["In front.", "## First", report.table(("what", "us"), [("a", 1.5), ("long one", 10)]), "It is so.",
              "## Second", "Nothing."],
}  # fmt: skip


class Pages(unittest.TestCase):
    def test_everything_that_is_made_from_results_is_up_to_date(self):
        for path, text in performance_page.files():
            self.assertEqual(path.read_text(), text, f"{path.name} is out of date: ./run bench report renews it")

    def test_every_marker_of_the_page_is_understood(self):
        page = performance_page.PAGE.read_text()
        self.assertEqual(page.count("<!-- results:"), len(performance_page.BLOCK.findall(page)))
        self.assertGreater(page.count("<!-- results:"), 5)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.results = pathlib.Path(folder.name)
        (self.results / "things.json").write_text(json.dumps(RESULT))

    def page(self, marker):
        text = f"## Before\n\n<!-- results: {marker} -->\nold\n<!-- end of results -->\n\nAfter.\n"
        return performance_page.page_with_results(text, self.results)

    def test_a_marker_is_filled_and_the_prose_stays(self):
        page = self.page("things")
        self.assertTrue(page.startswith("## Before\n\n<!-- results: things -->\n\nIn front.\n\n### First\n\n| what "))
        self.assertTrue(page.endswith("<!-- end of results -->\n\nAfter.\n"))
        self.assertNotIn("old", page)
        self.assertIn("`./run bench things`, commit abc, 2026-01-02: a processor; c++ 1; PyTorch 2.15", page)

    def test_filling_twice_changes_nothing(self):
        page = self.page("things, Second")
        self.assertEqual(performance_page.page_with_results(page, self.results), page)

    def test_a_heading_takes_what_is_below_it_alone(self):
        page = self.page("things, First")
        self.assertIn("| long one |  10 |", page)
        self.assertIn("It is so.", page)
        for other in ("In front.", "### First\n", "Nothing.", "With a clock."):
            self.assertNotIn(other, page)

    def test_a_heading_that_is_not_there_fails(self):
        with self.assertRaisesRegex(SystemExit, "no heading \"Third\""):
            self.page("things, Third")

    def test_what_was_not_measured_says_what_measures_it(self):
        self.assertIn("Not measured yet: `./run bench attention --only masks` does.", self.page("attention/masks"))

    def test_the_markdown_beside_the_facts_is_made_from_them(self):
        made = dict(performance_page.files(self.results))
        self.assertEqual(made[self.results / "things.md"], report.markdown(RESULT))


class Reports(unittest.TestCase):
    def test_columns_are_as_wide_as_their_widest_cell(self):
        table = report.table(("what", "us"), [("a", 1.5), ("long one", 10)])
        self.assertEqual(report.markdown_part(table),
                         "| what     |  us |\n|----------|----:|\n| a        | 1.5 |\n| long one |  10 |")

    def test_results_are_kept_as_facts_and_as_markdown(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(report, "RESULTS", pathlib.Path(folder)), \
                mock.patch("builtins.print") as printed:
            report.write("group/thing", "Thing", "./run bench group", ["Text."], {"PyTorch": "2.15"})
            report.write("dropped", "Thing", "./run bench dropped", [], keep=False)
            facts = json.loads((pathlib.Path(folder) / "group" / "thing.json").read_text())
            self.assertEqual((pathlib.Path(folder) / "group" / "thing.md").read_text(), report.markdown(facts))
            self.assertFalse((pathlib.Path(folder) / "dropped.json").exists())
        self.assertEqual(printed.call_count, 2)
        for name in ("CPU", "compiler", "commit", "date", "PyTorch", "command"):
            self.assertIn(name, facts["machine"])


class Turns(unittest.TestCase):
    def turns(self, sides, rounds, **limits):
        with mock.patch.object(turns, "REST_SECONDS", 0):
            return turns.turns_of(sides, rounds, **limits)

    def test_sides_alternate_and_the_first_run_of_a_turn_is_not_counted(self):
        seen = []
        times = iter(range(1, 100))

        def side(name):
            def work():
                seen.append(name)
                return next(times) * 1e-3
            return work

        a, b = self.turns([side("a"), side("b")], 2)
        self.assertEqual("".join(seen), "aabbaabb")
        self.assertEqual(a.times, (0.002, 0.006))
        self.assertEqual(b.least, 0.004)

    def test_long_work_runs_once_a_turn_but_for_the_first(self):
        seen = []
        self.turns([lambda: seen.append(1) or 9.0], 3)
        self.assertEqual(len(seen), 4)

    def test_a_comparison_that_takes_too_long_ends_after_a_few_rounds(self):
        (timing,) = self.turns([lambda: 0.0], 12, most_seconds=-1)
        self.assertEqual(len(timing.times), turns.FEWEST_ROUNDS)

    def test_the_ratio_says_how_many_times_as_fast_we_are(self):
        with mock.patch.object(turns, "REST_SECONDS", 0):
            comparison = turns.take_turns(lambda: 1.0, lambda: 3.0, 1)
        self.assertEqual(comparison.ratio, 3.0)


class Programs(unittest.TestCase):
    def test_kernels_are_reported_in_percent_of_the_peak(self):
        row = {"what": "ViT", "H": 12, "Tq": 197, "Tk": 197, "D": 64, "forward": 2e-5, "backward": 4e-5,
               "forward_rate": 80e9, "backward_rate": 50e9}  # fmt: skip
        _, (_, table) = programs.kernels({"peak": 100e9, "threads": 1, "rows": [row]})
        self.assertEqual(table["rows"], [["ViT: 12, 197, 197, 64", "20.0", "80.0", "80", "40.0", "50.0", "50"]])

    def test_decoding_is_reported_in_percent_of_the_bandwidth(self):
        row = {"type": "int8", "B": 1, "keys": 4096, "bandwidth": 20e9, "single": 18e9, "grouped": 10e9}
        _, (text, table) = programs.decode({"threads": 2, "page": 16, "rows": [row]})
        self.assertIn("pages of 16 tokens", text)
        self.assertEqual(table["rows"], [["int8, 1, 4096", "20.0", "18.0", "90", "10.0", "50"]])

    def test_every_script_compiles(self):
        scripts = sorted((report.ROOT / "bench").glob("*.py"))
        self.assertGreater(len(scripts), 10)
        for script in scripts:
            compile(script.read_text(), script.name, "exec")


if __name__ == "__main__":
    unittest.main()
