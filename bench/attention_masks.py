"""Group of ./run bench attention: masks and changed scores, against the plain problem and PyTorch's ways."""

import report
from contest import error, microseconds, ratio
from masked_cases import masked_cases, truth
from pytorch_masks import FlexAttention, MaskedAttention, Unfused

COLUMNS = ("B, H, T, D", "visible tiles, %", "attend, us", "% of plain's time", "SDPA, us (ratio)",
           "flex_attention, us (ratio)", "matmuls, us (ratio)", "ratio to the fastest", "error",
           "the fastest's error")  # fmt: skip


def theirs_of(masked, tensors, failures, with_flex):
    """PyTorch's ways, by name, that run here; what does not run goes to `failures`, a sentence each."""
    ways = {}
    if masked.changes_products:
        ways["matmuls"] = Unfused(masked, tensors)
    else:
        ways["SDPA"] = MaskedAttention(masked, tensors)
    if not with_flex:
        return ways
    try:
        flex = FlexAttention(masked, tensors)
        flex.forward()
        ways["flex_attention"] = flex
    except Exception as failure:  # noqa: BLE001: whatever the compiler of another program stumbles over
        failures.append(f"flex_attention did not run {masked.name}: {str(failure).splitlines()[0]}")
    return ways


def row_of(contest, masked, failures):
    case = masked.case
    tensors = case.tensors()
    contest.lay_out(tensors, name="plain")
    contest.lay_out(tensors | masked.tensors(), name="masked", causal=case.causal, **masked.request)
    ways = theirs_of(masked, tensors, failures, contest.given.flex)
    ours, plain, *theirs = contest.turns(
        contest.our_turn("forward", 1, name="masked"), contest.our_turn("forward", 1, name="plain"),
        *(contest.their_turn(way.forward, 1) for way in ways.values()))  # fmt: skip
    timings = dict(zip(ways, theirs))
    best = min(timings, key=lambda way: timings[way].least)
    rows, expected = truth(masked, tensors)
    cells = [f"{microseconds(timings[way])} ({ratio(ours, timings[way]):.2f})" if way in timings else "-"
             for way in ("SDPA", "flex_attention", "matmuls")]  # fmt: skip
    return [masked.name, f"{100 * masked.visible_tiles():.1f}", microseconds(ours),
            f"{100 * ours.least / plain.least:.1f}", *cells, f"{ratio(ours, timings[best]):.2f}",
            f"{error(contest.results(name='masked')['output'][:, :, rows], expected):.1e}",
            f"{error(ways[best].output[:, :, rows], expected):.1e}"]  # fmt: skip


def masks(contest):
    rows, failures = [], []
    for masked in contest.cases(masked_cases()):
        rows.append(row_of(contest, masked, failures))
        contest.ours.ask(do="forget")
    return [
        "float32. A tile is 64 queries by 64 keys, visible when any of its pairs is; plain's time is ours of the whole "
        "problem without a mask. SDPA gets a boolean mask, or the bias in full; flex_attention (with --flex: to compile it can take minutes) "
        "runs through `torch.compile`, with a block mask made beforehand; matmuls are two products with the softmax between them.",
        report.table(COLUMNS, rows), *failures]  # fmt: skip
