import threading
import time

import numpy as np
import plain
import pytest

import attend


def assert_close(result, expected, dtype=np.float32):
    """Within some roundings of values near 1; a NaN is close to nothing."""
    assert result.shape == expected.shape
    assert np.array_equal(np.isneginf(result), np.isneginf(expected))
    finite = ~np.isneginf(expected)
    assert np.all(np.abs(result[finite] - expected[finite]) <= 30 * np.finfo(dtype).eps)


SHAPES = [
    dict(),
    dict(B=1, Hq=1, Hkv=1, Tq=1, Tk=1, D=1, Dv=1),
    dict(B=1, Hq=3, Hkv=1, Tq=65, Tk=257, D=40, Dv=9),
    dict(B=3, Hq=2, Hkv=2, Tq=33, Tk=9, D=64, Dv=64),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("isa", attend.isas())
def test_every_instruction_set_gives_plain_attention(operands, shape, isa):
    q, k, v = operands(**shape)
    out, lse, weights = attend.attention(q, k, v, isa=isa, return_lse=True, return_weights=True)
    expected = plain.attention(q, k, v)
    for result, one in ((out, expected.out), (lse, expected.lse), (weights, expected.weights)):
        assert result.dtype == np.float32
        assert_close(result, one)


def test_float64_is_the_plain_reference(operands):
    q, k, v = operands(dtype=np.float64)
    out = attend.attention(q, k, v)
    assert out.dtype == np.float64
    assert_close(out, plain.attention(q, k, v).out, np.float64)


def test_float16_keeps_its_sums_in_float32(operands):
    q, k, v = operands(dtype=np.float16)
    out, lse, weights = attend.attention(q, k, v, return_lse=True, return_weights=True, alibi_slopes=[1, 0.5, 0, 0])
    assert (out.dtype, lse.dtype, weights.dtype) == (np.float16, np.float32, np.float32)
    expected = plain.attention(q, k, v, alibi_slopes=[1, 0.5, 0, 0])
    assert_close(out, expected.out, np.float16)
    assert_close(lse, expected.lse)
    assert_close(weights, expected.weights)


@pytest.mark.parametrize("causal", ["upper_left", "lower_right"])
@pytest.mark.parametrize("Tq, Tk", [(5, 7), (7, 5), (20, 33)])
def test_the_causal_diagonal_is_the_one_named(operands, causal, Tq, Tk):
    q, k, v = operands(Tq=Tq, Tk=Tk)
    out, lse = attend.attention(q, k, v, causal=causal, return_lse=True)
    expected = plain.attention(q, k, v, causal=causal)
    assert_close(out, expected.out)
    assert_close(lse, expected.lse)


def test_causal_true_is_either_diagonal_of_a_square(operands):
    q, k, v = operands(Tq=6, Tk=6)
    out = attend.attention(q, k, v, causal=True)
    assert np.array_equal(out, attend.attention(q, k, v, causal="upper_left"))
    assert np.array_equal(out, attend.attention(q, k, v, causal="lower_right"))


def random(*shape, seed=3):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


OPTIONS = [
    dict(scale=0.31),
    dict(window=(2, -1)),
    dict(window=(-1, 0)),
    dict(window=(1, 2), query_offset=3),
    dict(causal=True, query_offset=-2),
    dict(causal=True, query_offset=[3, -1]),
    dict(causal="lower_right", window=(3, -1)),
    dict(bias=random(5, 9)),
    dict(bias=random(2, 1, 5, 9)),
    dict(bias=np.where(random(4, 5, 9) > 0.5, -np.inf, random(4, 5, 9)).astype(np.float32)),
    dict(alibi_slopes=[0.5, 0.25, 0.125, 0.0625]),
    dict(alibi_slopes=np.abs(random(2, 4)), causal="lower_right"),
    dict(alibi_slopes=np.abs(random(4)), query_offset=np.array([1, 6])),
    dict(softcap=0.7),
    dict(sinks=[0.0, 1.0, -1.0, -np.inf]),
    dict(kv_lengths=[4, 9], mask=random(4, 5, 9) < 0.5),
    dict(
        scale=0.4, causal=True, query_offset=[4, 2], window=(5, -1), mask=random(5, 9) < 1, bias=random(4, 1, 9),
        alibi_slopes=np.abs(random(4)), softcap=0.9, sinks=random(4), kv_lengths=[8, 6],
    ),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
@pytest.mark.parametrize("isa", attend.isas())
def test_options_do_what_plain_loops_do(operands, options, isa):
    q, k, v = operands(Tq=5, Tk=9)
    out, lse, weights = attend.attention(q, k, v, isa=isa, return_lse=True, return_weights=True, **options)
    expected = plain.attention(q, k, v, **options)
    assert_close(out, expected.out)
    assert_close(lse, expected.lse)
    assert_close(weights, expected.weights)


def test_weights_come_summed(operands):
    q, k, v = operands(Tq=33, Tk=40)
    whole = plain.attention(q, k, v, causal="lower_right").weights
    out, mean = attend.attention(q, k, v, causal="lower_right", return_weights="head_mean")
    assert_close(mean, whole.mean(1))
    out, lse, sums = attend.attention(q, k, v, causal="lower_right", return_lse=True, return_weights="column_sums")
    assert_close(sums, whole.sum(2))


def test_dropout_leaves_out_a_share_that_the_seed_decides(operands):
    q, k, _ = operands(B=2, Hq=4, Hkv=4, Tq=30, Tk=50)
    v = np.broadcast_to(np.eye(50, dtype=np.float32), (2, 4, 50, 50))  # so that out is what multiplies the values
    out, weights = attend.attention(q, k, v, dropout=0.25, seed=2**63 + 1, return_weights=True)
    assert_close(weights, plain.attention(q, k, v).weights)
    kept = out != 0
    assert_close(out, np.where(kept, weights / 0.75, 0))
    # 12,000 draws: 4 standard deviations.
    assert abs(kept.mean() - 0.75) < 4 * (0.25 * 0.75 / kept.size) ** 0.5
    assert np.array_equal(out, attend.attention(q, k, v, dropout=0.25, seed=2**63 + 1, threads=1))
    assert not np.array_equal(kept, attend.attention(q, k, v, dropout=0.25, seed=7) != 0)


@pytest.mark.parametrize("shape", [(7,), (5, 7), (5, 1), (4, 1, 7), (2, 1, 1, 7), (1, 4, 5, 1), (2, 4, 5, 7)])
def test_a_mask_broadcasts_as_numpy_does(operands, shape):
    q, k, v = operands()
    mask = np.random.default_rng(3).random(shape) < 0.6
    assert_close(attend.attention(q, k, v, mask=mask), plain.attention(q, k, v, mask=mask).out)


def test_any_byte_of_a_mask_but_zero_is_true(operands):
    q, k, v = operands()
    mask = np.random.default_rng(3).random((5, 7)) < 0.6
    bytes_seen = np.where(mask, np.random.default_rng(4).integers(1, 256, (5, 7)), 0).astype(np.uint8)
    assert np.array_equal(attend.attention(q, k, v, mask=bytes_seen.view(bool)), attend.attention(q, k, v, mask=mask))


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda n: np.array(n, dtype=np.int32)])
def test_lengths_are_any_integers(operands, kind):
    q, k, v = operands()
    assert_close(attend.attention(q, k, v, kv_lengths=kind([3, 7])), plain.attention(q, k, v, kv_lengths=[3, 7]).out)


def test_a_masked_nan_never_reaches_the_output(operands):
    q, k, v = operands()
    k[1, :, 3:], v[1, :, 3:] = np.nan, np.inf
    assert_close(attend.attention(q, k, v, kv_lengths=[7, 3]), plain.attention(q, k, v, kv_lengths=[7, 3]).out)


def test_a_query_that_sees_no_key_gets_zeros(operands):
    q, k, v = operands()
    mask = np.ones((5, 7), dtype=bool)
    mask[2] = False
    out, lse, weights = attend.attention(q, k, v, mask=mask, return_lse=True, return_weights=True)
    assert np.all(out[:, :, 2] == 0) and np.all(weights[:, :, 2] == 0) and np.all(lse[:, :, 2] == -np.inf)


def test_tokens_may_come_before_heads(operands):
    q, k, v = operands()
    swapped = [np.ascontiguousarray(x.swapaxes(1, 2)) for x in (q, k, v)]
    out, lse, weights = attend.attention(*swapped, layout="bthd", return_lse=True, return_weights=True)
    expected = attend.attention(q, k, v, return_lse=True, return_weights=True)
    assert np.array_equal(out, expected[0].swapaxes(1, 2))
    assert np.array_equal(lse, expected[1])
    assert np.array_equal(weights, expected[2])


def test_strides_are_read_in_place(operands):
    q, k, v = operands()
    padded = np.full((2, 4, 10, 16), np.nan, dtype=np.float32)
    view = padded[::-1, :, 1::2, 3:11]
    view[...] = q
    assert np.array_equal(attend.attention(view, k, v), attend.attention(q, k, v))


def test_a_read_only_array_will_do(operands):
    q, k, v = operands()
    expected = attend.attention(q, k, v)
    for x in (q, k, v):
        x.flags.writeable = False
    assert np.array_equal(attend.attention(q, k, v), expected)


class OnlyDlpack:
    """An array of some other library, which counts how often it is borrowed."""

    def __init__(self, array):
        self.array, self.borrowed = array, 0

    def __dlpack__(self, **options):
        self.borrowed += 1
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_anything_with_dlpack_will_do(operands):
    q, k, v = operands()
    foreign = [OnlyDlpack(x) for x in (q, k, v)]
    out = attend.attention(*foreign)
    assert isinstance(out, np.ndarray)
    assert np.array_equal(out, attend.attention(q, k, v))
    assert all(x.borrowed > 0 for x in foreign)


def test_no_operand_is_copied(operands):
    q, k, v = operands()
    borrowed = attend._attend.Array(q, "query")
    q[...] = 0  # what is borrowed sees the change
    out = np.empty((2, 4, 5, 6), dtype=np.float32)
    result = attend._attend.Array(out, "output", writable=True)
    attend._attend.attention(
        borrowed, attend._attend.Array(k, "key"), attend._attend.Array(v, "value"), result, None, None, None, None
    )
    assert_close(out, plain.attention(np.zeros_like(q), k, v).out)


@pytest.mark.parametrize("return_lse", [False, True])
@pytest.mark.parametrize("return_weights", [False, True])
def test_results_are_those_asked_for(operands, return_lse, return_weights):
    q, k, v = operands()
    result = attend.attention(q, k, v, return_lse=return_lse, return_weights=return_weights)
    shapes = [(2, 4, 5, 6)] + [(2, 4, 5)] * return_lse + [(2, 4, 5, 7)] * return_weights
    if len(shapes) == 1:
        result = (result,)
    assert [r.shape for r in result] == shapes


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_bits_do_not_depend_on_the_number_of_threads(operands, threads):
    q, k, v = operands(Tq=200, Tk=300)
    assert np.array_equal(attend.attention(q, k, v, threads=threads), attend.attention(q, k, v))


def test_the_bits_do_not_depend_on_the_batch(operands):
    q, k, v = operands(B=3, Tq=50, Tk=60)
    whole = attend.attention(q, k, v)
    for b in range(3):
        assert np.array_equal(attend.attention(q[b : b + 1], k[b : b + 1], v[b : b + 1]), whole[b : b + 1])


def test_empty_axes_are_no_work(operands):
    q, k, v = operands()
    assert attend.attention(q[:0], k[:0], v[:0]).shape == (0, 4, 5, 6)
    assert attend.attention(q[:, :, :0], k, v).shape == (2, 4, 0, 6)
    out, lse = attend.attention(q, k[:, :, :0], v[:, :, :0], return_lse=True)
    assert np.all(out == 0) and np.all(lse == -np.inf)


def test_other_threads_run_while_it_computes(operands):
    # Plain loops in float64, so that the call is long.
    q, k, v = operands(B=1, Hq=4, Hkv=4, Tq=384, Tk=384, D=64, Dv=64, dtype=np.float64)
    times = {}

    def compute():
        times["start"] = time.perf_counter()
        attend.attention(q, k, v, threads=1)
        times["end"] = time.perf_counter()

    worker = threading.Thread(target=compute)
    worker.start()
    ticks = []
    while worker.is_alive():
        ticks.append(time.perf_counter())
    worker.join()
    length = times["end"] - times["start"]
    # Had the lock been held, none would lie well inside the call.
    assert any(times["start"] + 0.2 * length < tick < times["end"] - 0.2 * length for tick in ticks)


def test_several_threads_call_at_once(operands):
    q, k, v = operands(Tq=64, Tk=64)
    expected = attend.attention(q, k, v, causal=True)
    wrong = []

    def call():
        for _ in range(20):
            if not np.array_equal(attend.attention(q, k, v, causal=True, threads=2), expected):
                wrong.append(True)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_explain_names_the_instruction_set(operands):
    for isa in attend.isas():
        assert isa in attend.explain(*operands(), isa=isa, causal="lower_right", return_weights=True)


def test_the_slowest_instruction_set_is_always_there():
    assert attend.isas()[-1] == "scalar"


def test_bools_of_numpy_are_bools(operands):
    q, k, v = operands(Tk=5)
    out, weights = attend.attention(q, k, v, causal=np.True_, return_weights=np.True_)
    expected, its_weights = attend.attention(q, k, v, causal=True, return_weights=True)
    assert np.array_equal(out, expected) and np.array_equal(weights, its_weights)
    all_seen = attend.attention(q, k, v, causal=np.False_, return_weights=np.False_)
    assert np.array_equal(all_seen, attend.attention(q, k, v))
    cache = attend.KVPages(k, v, [5, 5])
    assert np.array_equal(
        attend.attention_decode(q, cache, causal=np.False_), attend.attention_decode(q, cache, causal=False)
    )
