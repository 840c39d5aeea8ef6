"""attention_decode() over caches, and merge()."""

import threading

import numpy as np
import plain
import pytest

import attend

TYPES = {"float32": 0.0, "bfloat16": 2**-8, "float16": 2**-11, "int8": 1 / 253}


def assert_near(result, expected, bound):
    assert result.shape == expected.shape
    assert np.array_equal(np.isneginf(result), np.isneginf(expected))
    finite = ~np.isneginf(expected)
    assert np.all(np.abs(result[finite] - expected[finite]) <= bound)


FLOAT32 = 30 * np.finfo(np.float32).eps


def filled(k, v, **size):
    """A cache of the keys and values, one sequence a batch row, appended in two parts."""
    B, Hkv, T, D = k.shape
    cache = attend.KVCache(
        sequences=B, capacity=T, kv_heads=Hkv, key_width=D, value_width=v.shape[3], **size
    )
    cache.append(k[:, :, : T // 2], v[:, :, : T // 2])
    cache.append(k[:, :, T // 2 :], v[:, :, T // 2 :])
    return cache


@pytest.mark.parametrize("page_size", [None, 1, 3, 16])
@pytest.mark.parametrize("dtype", TYPES)
def test_a_cache_holds_what_attention_would_see(operands, dtype, page_size):
    q, k, v = operands(Tq=3, Tk=40)
    cache = filled(k, v, dtype=dtype, page_size=page_size)
    assert cache.lengths == [40, 40]
    out, lse = attend.attention_decode(q, cache, return_lse=True)
    expected = plain.attention(q, k, v, causal="lower_right")
    # A key and a value that are off by u of their largest number, here below 4, change out by less than 64 u.
    assert_near(out, expected.out, FLOAT32 + 64 * TYPES[dtype])
    assert_near(lse, expected.lse, FLOAT32 + 64 * TYPES[dtype])


@pytest.mark.parametrize("isa", attend.isas())
@pytest.mark.parametrize(
    "options",
    [
        dict(scale=0.2),
        dict(window=(4, -1)),
        dict(window=(4, 2), causal=False),
        dict(causal=False),
        dict(causal="upper_left"),
        dict(softcap=0.8),
        dict(alibi_slopes=[0.5, 0.25, 0.125, 0.0625]),
        dict(alibi_slopes=np.arange(8, dtype=np.float32).reshape(2, 4) / 8),
        dict(sinks=[0.0, 1.0, -1.0, -np.inf]),
        dict(scale=0.3, window=(9, -1), softcap=2.0, alibi_slopes=[0.1, 0.2, 0.3, 0.4], sinks=[1.0, 2.0, 3.0, 4.0]),
    ],
    ids="-".join,
)
def test_options_do_what_plain_loops_do(operands, options, isa):
    q, k, v = operands(Tq=3, Tk=20)
    cache = filled(k, v, page_size=7)
    out, lse = attend.attention_decode(q, cache, return_lse=True, isa=isa, **options)
    rules = {"causal": "lower_right", **options}
    rules["causal"] = rules["causal"] or None
    expected = plain.attention(q, k, v, **rules)
    assert_near(out, expected.out, FLOAT32)
    assert_near(lse, expected.lse, FLOAT32)
    assert isa in attend.explain_decode(q, cache, isa=isa, **options)


def test_sequences_have_lengths_of_their_own(operands):
    q, k, v = operands(B=3, Tq=2, Tk=12)
    k[1, :, 5:], v[2, :, 9:] = np.nan, np.nan
    cache = attend.KVCache(sequences=5, capacity=16, kv_heads=2, key_width=8, value_width=6, page_size=4)
    cache.append(k, v, sequences=[4, 0, 2], counts=[12, 5, 9])
    assert cache.lengths == [5, 0, 9, 0, 12]
    out = attend.attention_decode(q, cache, sequences=np.array([4, 0, 2]))
    for b, length in enumerate((12, 5, 9)):
        alone = attend.attention_decode(q[b : b + 1], cache, sequences=[(4, 0, 2)[b]])
        assert np.array_equal(out[b : b + 1], alone)
        row = slice(b, b + 1), slice(None), slice(0, length)
        expected = plain.attention(q[b : b + 1], k[row], v[row], causal="lower_right").out
        assert_near(alone, expected, FLOAT32)


def test_rows_may_have_fewer_queries(operands):
    q, k, v = operands(Tq=4, Tk=12)
    cache = filled(k, v)
    q[1, :, 1:] = np.nan
    out, lse = attend.attention_decode(q, cache, query_counts=[4, 1], return_lse=True)
    assert np.array_equal(out[0], attend.attention_decode(q, cache)[0])
    assert np.all(out[1, :, 1:] == 0) and np.all(lse[1, :, 1:] == -np.inf)
    assert np.array_equal(out[1:, :, :1], attend.attention_decode(q[1:, :, :1], cache, sequences=[1]))


def test_tokens_may_come_before_heads(operands):
    q, k, v = operands(Tq=3, Tk=9)
    expected = attend.attention_decode(q, filled(k, v))
    cache = attend.KVCache(sequences=2, capacity=9, kv_heads=2, key_width=8, value_width=6)
    cache.append(k.swapaxes(1, 2), v.swapaxes(1, 2), layout="bthd")
    out = attend.attention_decode(q.swapaxes(1, 2), cache, layout="bthd")
    assert np.array_equal(out, expected.swapaxes(1, 2))


def test_float16_queries_get_float16(operands):
    q, k, v = operands(Tq=1, Tk=9, dtype=np.float16)
    out, lse = attend.attention_decode(q, filled(k, v, dtype="float16"), return_lse=True)
    assert (out.dtype, lse.dtype) == (np.float16, np.float32)
    assert_near(out, plain.attention(q, k, v, causal="lower_right").out, 4 * np.finfo(np.float16).eps)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_number_of_threads(operands, threads):
    q, k, v = operands(Tq=2, Tk=1200)
    cache = filled(k, v, page_size=64)
    assert np.array_equal(attend.attention_decode(q, cache, threads=threads), attend.attention_decode(q, cache))


def test_prefixes_are_shared_and_sequences_cut(operands):
    q, k, v = operands(B=1, Tq=1, Tk=10)
    cache = attend.KVCache(sequences=3, capacity=12, kv_heads=2, key_width=8, value_width=6, page_size=4)
    cache.append(k, v, sequences=[0])
    assert cache.free_pages == cache.pages - 3
    cache.share(0, 1, 6)
    assert cache.free_pages == cache.pages - 3 and cache.lengths == [10, 6, 0]
    cache.append(k[:, :, 6:7], v[:, :, 6:7], sequences=[1])
    assert np.array_equal(
        attend.attention_decode(q, cache, sequences=[1]), attend.attention_decode(q, filled(k[:, :, :7], v[:, :, :7]))
    )
    cache.truncate(0, 7)
    assert np.array_equal(
        attend.attention_decode(q, cache, sequences=[0]), attend.attention_decode(q, cache, sequences=[1])
    )
    cache.reset()
    assert cache.lengths == [0, 0, 0] and cache.free_pages == cache.pages


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_a_view_is_the_cache_itself(operands, dtype):
    q, k, v = operands(Tq=2, Tk=11)
    cache = filled(k, v, dtype=dtype, page_size=4)
    view = cache.view()
    assert view.key.shape == (6, 2, 4, 8) and view.value.dtype == np.dtype(dtype)
    assert (view.key_scale is None) == (dtype != "int8")
    assert not view.key.flags.writeable
    assert np.array_equal(attend.attention_decode(q, view), attend.attention_decode(q, cache))
    del cache  # the arrays keep the memory
    assert np.isfinite(view.key[view.block_table[0][0]].astype(np.float32)).all()


def test_a_view_of_bfloat16_speaks_dlpack():
    view = attend.KVCache(capacity=4, kv_heads=1, key_width=2, dtype="bfloat16").view()
    assert not isinstance(view.key, np.ndarray) and view.key.__dlpack_device__() == (1, 0)
    assert attend._attend.Array(view.key, "key").dtype == "bfloat16"


def pages_of(k, v, lengths, page_size=4):
    """Pages of the caller's, the last ones first, NaN wherever there is no token."""
    B, Hkv, T, D = k.shape
    each = -(-T // page_size)
    key = np.full((B * each + 1, Hkv, page_size, D), np.nan, dtype=np.float32)
    value = np.full((B * each + 1, Hkv, page_size, v.shape[3]), np.nan, dtype=np.float32)
    table = np.arange(B * each)[::-1].reshape(B, each).copy()
    pages = attend.KVPages(key, value, [0] * B, table)
    attend.kv_append(k, v, pages, counts=lengths)
    pages.lengths = lengths
    return pages


def test_the_callers_own_pages_give_the_same_bits(operands):
    q, k, v = operands(Tq=2, Tk=10)
    cache = attend.KVCache(sequences=2, capacity=10, kv_heads=2, key_width=8, value_width=6)
    cache.append(k, v, counts=[10, 5])
    pages = pages_of(k, v, [10, 5])
    assert np.array_equal(attend.attention_decode(q, pages), attend.attention_decode(q, cache))
    pages.block_table[1, 2:] = -1  # past the length, where nobody looks
    assert np.array_equal(attend.attention_decode(q, pages), attend.attention_decode(q, cache))
    attend.kv_append(k[:1, :, :1], v[:1, :, :1], attend.KVPages(pages.key, pages.value, [10, 5], pages.block_table), sequences=[0])
    pages.lengths = np.array([11, 5])
    cache = attend.KVCache(sequences=2, capacity=11, kv_heads=2, key_width=8, value_width=6)
    cache.append(k, v, counts=[10, 5])
    cache.append(k[:1, :, :1], v[:1, :, :1], sequences=[0])
    assert np.array_equal(attend.attention_decode(q, pages), attend.attention_decode(q, cache))


def test_without_a_block_table_sequence_s_is_page_s(operands):
    q, k, v = operands(Tq=2, Tk=10)
    pages = attend.KVPages(k, v, [10, 10])
    assert np.array_equal(attend.attention_decode(q, pages), attend.attention_decode(q, filled(k, v)))


@pytest.mark.parametrize("split", [0, 1, 6, 12])
def test_disjoint_keys_merge(operands, split):
    q, k, v = operands(Tq=3, Tk=12)
    parts = [
        attend.attention(q, k[:, :, keys], v[:, :, keys], return_lse=True)
        for keys in (slice(0, split), slice(split, 12))
    ]
    out, lse = attend.merge(*parts)
    expected = plain.attention(q, k, v)
    assert_near(out, expected.out, FLOAT32)
    assert_near(lse, expected.lse, FLOAT32)


def test_merging_keeps_types_and_layouts(operands):
    q, k, v = operands(Tq=3, Tk=12, dtype=np.float64)
    swapped = [x.swapaxes(1, 2) for x in (q, k, v)]
    first = attend.attention(swapped[0], swapped[1][:, :5], swapped[2][:, :5], layout="bthd", return_lse=True)
    second = attend.attention(swapped[0], swapped[1][:, 5:], swapped[2][:, 5:], layout="bthd", return_lse=True)
    out, lse = attend.merge(first, second, layout="bthd", threads=2)
    assert out.dtype == lse.dtype == np.float64
    assert_near(out.swapaxes(1, 2), plain.attention(q, k, v).out, 1e-14)


def test_threads_share_a_cache(operands):
    """Some append and cut, others read: each reads a whole state, and nothing breaks."""
    q, k, v = operands(B=1, Tq=1, Tk=64)
    cache = attend.KVCache(capacity=64, kv_heads=2, key_width=8, value_width=6, page_size=4)
    cache.append(k[:, :, :32], v[:, :, :32])
    states = {
        n: attend.attention_decode(q, filled(k[:, :, :n], v[:, :, :n], page_size=4)).tobytes() for n in (32, 64)
    }
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            if attend.attention_decode(q, cache, threads=1).tobytes() not in states.values():
                wrong.append(True)
            cache.lengths, cache.free_pages, cache.view()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(60):
        cache.append(k[:, :, 32:], v[:, :, 32:], threads=1)
        cache.truncate(0, 32)
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


WRONG_SIZES = [
    (dict(capacity=0), ValueError, "capacity is 0"),
    (dict(capacity=2**61), MemoryError, "more memory than there is"),
    (dict(capacity=2**70), ValueError, "capacity is 1180591620717411303424"),
    (dict(capacity=1.5), TypeError, "capacity is float, but must be an integer"),
    (dict(kv_heads=-1), ValueError, "kv_heads is -1"),
    (dict(key_width=1025), ValueError, r"key_width is 1025, but must be in 1\.\.1024"),
    (dict(value_width=0), ValueError, "value_width is 0"),
    (dict(sequences=0), ValueError, "sequences is 0"),
    (dict(page_size=0), ValueError, "page_size is 0"),
    (dict(pages=-4), ValueError, "pages is -4"),
    (dict(pages=2**40), ValueError, "pages is 1099511627776"),
    (dict(dtype="bool"), TypeError, "cache is bool"),
    (dict(dtype="float"), ValueError, 'dtype is "float", which names no type'),
    (dict(dtype=np.float32), TypeError, "dtype is type, but must be a string"),
]


@pytest.mark.parametrize("wrong, error, sentence", WRONG_SIZES)
def test_sizes_that_no_cache_has_are_named(wrong, error, sentence):
    with pytest.raises(error, match=sentence):
        attend.KVCache(**{**dict(capacity=8, kv_heads=2, key_width=4), **wrong})


WRONG_OPTIONS = [
    (dict(causal=True), ValueError, "causal is True, but sequences have lengths of their own"),
    (dict(causal=None), TypeError, "causal is NoneType"),
    (dict(causal=3), TypeError, "causal is int"),
    (dict(causal="query_offset"), ValueError, "causal must be none"),
    (dict(window=(-1, -7)), ValueError, "window.right is -7"),
    (dict(scale=float("nan")), ValueError, "scale is nan"),
    (dict(softcap=-1.0), ValueError, "softcap is -1"),
    (dict(query_counts=[1]), ValueError, "query_counts has 1 numbers, but query axis B is 2"),
    (dict(query_counts=[1, 4]), ValueError, r"query_counts\[1\] is 4"),
    (dict(query_counts=[1, -4]), ValueError, r"query_counts\[1\] is -4"),
    (dict(sequences=[0, 2]), ValueError, r"sequences\[1\] is 2, but the cache has 2 sequences"),
    (dict(sequences=[0, -1]), ValueError, r"sequences\[1\] is -1"),
    (dict(sequences=[0, 2**40]), ValueError, r"sequences\[1\] is 1099511627776, but must be in -2147483648\.\.2147483647"),
    (dict(sequences=[0]), ValueError, "query axis B is 2, but the cache is given 1 sequences"),
    (dict(sequences=[]), ValueError, "sequences has 0 numbers"),
    (dict(sequences=0.5), TypeError, "sequences must be a sequence of integers"),
    (dict(alibi_slopes=[1.0]), ValueError, None),
    (dict(sinks=[np.nan] * 4), ValueError, r"sinks\[0, 0\] is nan"),
    (dict(layout="tbhd"), ValueError, "layout is 'tbhd'"),
    (dict(isa="mmx"), ValueError, 'isa is "mmx"'),
    (dict(threads=0), ValueError, "threads is 0"),
    (dict(mask=np.ones((3, 9), dtype=bool)), TypeError, "mask"),
]


@pytest.mark.parametrize("options, error, sentence", [w for w in WRONG_OPTIONS if w[2]])
def test_options_that_mean_nothing_over_a_cache_are_named(operands, options, error, sentence):
    q, k, v = operands(Tq=3, Tk=9)
    cache = filled(k, v)
    with pytest.raises(error, match=sentence):
        attend.attention_decode(q, cache, **options)
    with pytest.raises(error, match=sentence):
        attend.explain_decode(q, cache, **options)


WITHOUT_CACHE = dict(
    mask=np.ones((3, 9), dtype=bool), kv_lengths=[1, 1], query_offset=[1], dropout=0.5, seed=5, key_positions=np.arange(9),
    bias=np.ones((3, 9), dtype=np.float32),
)


@pytest.mark.parametrize("name", WITHOUT_CACHE)
def test_no_option_of_attention_slips_through_the_extension(operands, name):
    q, k, v = operands(Tq=3, Tk=9)
    cache = filled(k, v)
    call = attend._decode._Call(q, cache, False, {})
    for value in (WITHOUT_CACHE[name], None):
        with pytest.raises(TypeError, match=f"{name} is given, but has no meaning over a cache"):
            attend.explain_decode(q, cache, **{name: value})
        with pytest.raises(TypeError, match=f"{name} is given, but has no meaning over a cache"):
            attend._attend.attention_decode(
                call.query, call.cache, attend._arrays.result(call.out, "output"), None, None, None, **{name: value}
            )


def test_these_are_all_options_without_meaning_over_a_cache():
    of_attention = set(attend._attention.Options.__annotations__)
    assert of_attention - set(attend._decode.DecodeOptions.__annotations__) == set(WITHOUT_CACHE)


def test_queries_that_do_not_fit_the_cache_are_named(operands):
    q, k, v = operands(Tq=3, Tk=9)
    cache = filled(k, v)
    for query, sentence in [
        (q[0], "query has 3 axes, but must have 4"),
        (q[:1], "query axis B is 1, but the cache is given 2 sequences"),
        (q[:, :3], "query axis Hq is 3, but must be a multiple of cache key axis Hkv, which is 2"),
        (q[..., :7], "query axis D is 7, but cache key axis D is 8"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            attend.attention_decode(query, cache)
    with pytest.raises(TypeError, match="query is float64"):
        attend.attention_decode(q.astype(np.float64), cache)
    with pytest.raises(TypeError, match="cache is ndarray, but must be a KVCache or KVPages"):
        attend.attention_decode(q, k)


def test_tokens_that_do_not_fit_are_named_and_nothing_is_appended(operands):
    _, k, v = operands(Tk=3)
    cache = attend.KVCache(sequences=2, capacity=4, kv_heads=2, key_width=8, value_width=6, page_size=2, pages=3)
    for arguments, options, error, sentence in [
        ((k[:1], v), {}, ValueError, "value axis B is 2, but key axis B is 1"),
        ((k, v[..., :5]), {}, ValueError, "value axis Dv is 5, but cache value axis Dv is 6"),
        ((k, v.astype(np.float16)), {}, ValueError, "value is float16, but key is float32"),
        ((k, v), dict(counts=[1]), ValueError, "counts has 1 numbers"),
        ((k, v), dict(counts=[1, 9]), ValueError, r"counts\[1\] is 9"),
        ((k, v), dict(counts=[1, -1]), ValueError, r"counts\[1\] is -1"),
        ((k, v), dict(sequences=[0, 0]), ValueError, "sequence 0 is both batch row 0 and batch row 1"),
        ((k, v), dict(sequences=[0, 7]), ValueError, r"sequences\[1\] is 7"),
        ((k, v), dict(layout="x"), ValueError, "layout is 'x'"),
        ((k, v), dict(threads=-1), ValueError, "threads is -1"),
        ((k, v), {}, MemoryError, "need 4 more pages, but the cache has 3 free"),
        ((None, v), {}, TypeError, "key is NoneType"),
    ]:
        with pytest.raises(error, match=sentence):
            cache.append(*arguments, **options)
        assert cache.lengths == [0, 0] and cache.free_pages == 3
    for call, sentence in [
        (lambda: cache.truncate(0, 1), "length is 1, but sequence 0 holds 0 tokens"),
        (lambda: cache.truncate(2, 0), "sequence is 2"),
        (lambda: cache.share(0, -1, 0), "to is -1"),
        (lambda: cache.share(5, 0, 0), "from is 5"),
        (lambda: cache.share(2**70, 0, 0), "source is"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            call()


def test_pages_that_are_not_there_are_named(operands):
    q, k, v = operands(Tq=2, Tk=10)
    pages = pages_of(k, v, [10, 5])
    for wrong in (-1, 7, 2**31 - 1):
        pages.block_table[0, 1] = wrong
        with pytest.raises(ValueError, match=rf"block_table\[0, 1\] is page {wrong}, but cache key axis pages is 7"):
            attend.attention_decode(q, pages)
        before = pages.key.tobytes()
        empty = attend.KVPages(pages.key, pages.value, [0, 0], pages.block_table)
        with pytest.raises(ValueError, match=rf"block_table\[0, 1\] is page {wrong}"):
            attend.kv_append(k, v, empty)
        assert pages.key.tobytes() == before
    pages.block_table[0, 1] = 2**33
    with pytest.raises(ValueError, match=r"block_table has a 8589934592, but must be in -2147483648\.\.2147483647"):
        attend.attention_decode(q, pages)


def test_pages_that_do_not_fit_are_named(operands):
    q, k, v = operands(Tq=2, Tk=10)
    frozen = k.copy()
    frozen.flags.writeable = False
    for pages, error, sentence in [
        (attend.KVPages(k, v, [10, 11]), ValueError, r"lengths\[1\] is 11, but must be in 0\.\.10"),
        (attend.KVPages(k, v, [10, -1]), ValueError, r"lengths\[1\] is -1"),
        (attend.KVPages(k, v, [10, 10, 10]), ValueError, "lengths has 3 numbers, but cache key axis pages is 2"),
        (attend.KVPages(k, v, 10), ValueError, "lengths has 0 axes, but must have 1"),
        (attend.KVPages(k, v, [1.5, 2.0]), TypeError, "lengths is float64, but must be integers"),
        (attend.KVPages(k, v, [10, 10], [0, 1]), ValueError, "block_table has 1 axes, but must have 2"),
        (attend.KVPages(k, v, [10, 10], [[0], [1], [1]]), ValueError, "block_table has 3 entries"),
        (attend.KVPages(k, v[:, :1], [10, 10]), ValueError, "cache value axis Hkv is 1, but cache key axis Hkv is 2"),
        (attend.KVPages(k[0], v, [10, 10]), ValueError, "cache key has 3 axes"),
        (attend.KVPages(k, v, [10, 10], key_scale=k[..., :1]), ValueError, "cache key_scale is given"),
        (attend.KVPages(k.astype(np.int8), v.astype(np.int8), [10, 10]), ValueError, "cache key_scale"),
        (attend.KVPages([1.0], v, [10, 10]), TypeError, "cache key is list"),
    ]:
        with pytest.raises(error, match=sentence):
            attend.attention_decode(q, pages)
    with pytest.raises(TypeError, match="cache key is ndarray, but must be an array that can be written to"):
        attend.kv_append(k[:, :, :1], v[:, :, :1], attend.KVPages(frozen, v, [0, 0]))
    with pytest.raises(TypeError, match="cache is KVCache, but must be KVPages"):
        attend.kv_append(k, v, filled(k, v))


def test_parts_that_do_not_merge_are_named(operands):
    q, k, v = operands(Tq=3, Tk=12)
    part = out, lse = attend.attention(q, k, v, return_lse=True)
    for second, error, sentence in [
        ((out[:, :, :2], lse), ValueError, "second output axis T is 2, but output axis T is 3"),
        ((out, lse[:1]), ValueError, "second lse axis B is 1, but output axis B is 2"),
        ((out, lse.astype(np.float64)), ValueError, "second lse is float64, but must be float32"),
        ((out.astype(np.float16), lse), ValueError, "second output is float16, but output is float32"),
        ((out, lse[..., None]), ValueError, "second lse has 4 axes"),
        (out, TypeError, "second is ndarray, but must be a pair"),
        ((out, None), TypeError, "second lse is NoneType"),
    ]:
        with pytest.raises(error, match=sentence):
            attend.merge(part, second)
    with pytest.raises(ValueError, match="layout is 'x'"):
        attend.merge(part, part, layout="x")
    with pytest.raises(ValueError, match="threads is 0"):
        attend.merge(part, part, threads=0)
