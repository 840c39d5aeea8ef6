"""The program as a person starts it: from exec to exit, cold."""

import statistics
import tempfile

import report
from turns import run_process

FIRST_CAPTION_SECONDS = 0.5
PEAK_BYTES = 300e6
# What the program decodes a large photo to at most, in pixels a side (load_photo in src/vision/photo.h).
LONGEST_SIDE = 2048


def alternate(commands, threads, runs):
    """Each of `commands` `runs` times, in turns -> lists of runs."""
    results = [[] for _ in commands]
    for _ in range(runs):
        for command, result in zip(commands, results):
            result.append(run_process(command, threads))
    return results


def least(runs):
    return min(run.seconds for run in runs)


def caption_command(program, model, photo):
    return [program, "caption", "--model", model, photo]


def first_caption(program, model, photo, threads, runs):
    """Seconds and memory of a process that captions one photo."""
    (results,) = alternate([caption_command(program, model, photo)], threads, runs)
    seconds, peak = least(results), max(run.peak_bytes for run in results)
    median = statistics.median(run.seconds for run in results)
    rows = [
        ("first caption, exec to exit, fastest", f"{seconds:.3f} s", f"{FIRST_CAPTION_SECONDS} s"),
        ("the same, median", f"{median:.3f} s", f"{FIRST_CAPTION_SECONDS} s"),
        ("peak resident memory", f"{peak / 1e6:.0f} MB", f"{PEAK_BYTES / 1e6:.0f} MB"),
    ]
    return ["## A process of its own", f"`attend caption` of one photo, {runs} times, the files in the page cache.",
            report.table(("", "measured", "at most"), rows)]


def large_jpeg(program, model, small, large, threads, runs):
    """What a 24-megapixel JPEG adds to a small one, beside what libvips's own thumbnailer adds."""
    with tempfile.TemporaryDirectory() as folder:

        def thumbnail(photo):
            return ["vipsthumbnail", photo, "--size", f"{LONGEST_SIDE}x{LONGEST_SIDE}>", "--export-profile", "srgb",
                    "-o", f"{folder}/%s.ppm"]

        ours_small, ours_large, vips_small, vips_large = alternate(
            [caption_command(program, model, small), caption_command(program, model, large), thumbnail(small),
             thumbnail(large)], threads, runs)
    peak = max(run.peak_bytes for run in ours_large)
    ours, vips = least(ours_large) - least(ours_small), least(vips_large) - least(vips_small)
    rows = [
        ("attend caption", f"{least(ours_small):.3f} s", f"{least(ours_large):.3f} s", f"{ours:.3f} s"),
        ("vipsthumbnail", f"{least(vips_small):.3f} s", f"{least(vips_large):.3f} s", f"{vips:.3f} s"),
    ]
    return [
        "## A 24-megapixel JPEG",
        f"6000 x 4000 pixels, {large.stat().st_size / 1e6:.1f} MB, beside a small photo; `vipsthumbnail` shrinks on "
        f"load to {LONGEST_SIDE} px, as the program does. Fastest of {runs}.",
        report.table(("", "small", "24 megapixels", "the difference"), rows),
        f"The large photo costs {ours / vips:.2f} times what shrink-on-load costs; peak memory {peak / 1e6:.0f} MB.",
    ]
