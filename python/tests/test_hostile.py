"""Random damage to every call: it raises an error that says why and writes nothing, or its result is right."""

import numpy as np
import plain
import pytest
from damage import Damage, snapshot
from test_rope import plain_rope

import attend

ROUNDS = 600
REFUSALS = (ValueError, TypeError, MemoryError)


def close(result, expected):
    result, expected = np.asarray(result), np.asarray(expected)
    if result.shape != expected.shape:
        return False
    tolerance = {"float16": 2e-2, "float64": 1e-10}.get(result.dtype.name, 2e-4)
    with np.errstate(invalid="ignore"):
        difference = np.abs(result - expected)
    return bool(np.all((difference <= tolerance * (1 + np.abs(expected))) | (np.isneginf(result) & np.isneginf(expected))))


def plain_options(options, causal):
    """As plain.py takes them; None where it has no counterpart."""
    options = dict(options)
    if options.pop("dropout", 0) or options.pop("layout", "bhtd") != "bhtd":
        return None
    for name in ("threads", "isa", "seed", "return_lse", "return_weights"):
        options.pop(name, None)
    options["causal"] = options.pop("causal", causal) or None
    options = {name: value for name, value in options.items() if value is not None}
    for name in ("sinks", "alibi_slopes", "bias", "mask"):
        if name in options:
            options[name] = np.asarray(options[name])
    # Scores in the thousands are not near in float32 what they are in float64.
    large = [options.get("scale", 0), *np.ravel(options.get("alibi_slopes", 0)), *np.ravel(options.get("sinks", 0))]
    return None if any(abs(x) > 50 and x != -np.inf for x in large) else options


def check(call, arguments, rightly, seed, counts):
    before = snapshot(arguments)
    try:
        result = call(**arguments)
    except REFUSALS as error:
        counts["refused"] += 1
        assert len(str(error)) > 5, (seed, repr(error))
        assert snapshot(arguments) == before, f"round {seed}: {error}, but something was written"
        return
    counts["answered"] += 1
    assert rightly(arguments, result), f"round {seed}: a wrong answer"


def fuzz(make, call, rightly):
    counts = {"refused": 0, "answered": 0}
    for seed in range(ROUNDS):
        damage = Damage(seed)
        check(call, damage.arguments(make(damage)), rightly, seed, counts)
    # Both happen often, or little is tested.
    assert min(counts.values()) > ROUNDS / 20, counts


def numbers(damage, *shape):
    return damage.random.standard_normal(shape).astype(np.float32)


def operands(damage):
    return {"q": numbers(damage, 2, 4, 5, 8), "k": numbers(damage, 2, 2, 7, 8), "v": numbers(damage, 2, 2, 7, 6)}


def attention_options(damage):
    return damage.options(
        {
            "scale": 0.3,
            "causal": "lower_right",
            "window": (2, 1),
            "mask": damage.random.random((5, 7)) < 0.7,
            "bias": numbers(damage, 4, 5, 7),
            "alibi_slopes": np.abs(numbers(damage, 4)),
            "softcap": 2.0,
            "sinks": numbers(damage, 4),
            "kv_lengths": [4, 7],
            "threads": 2,
            "isa": "scalar",
        }
    )


def split(arguments, *names):
    return [arguments[name] for name in names], {n: v for n, v in arguments.items() if n not in names}


def attention_is_right(arguments, result):
    (q, k, v), options = split(arguments, "q", "k", "v")
    options = plain_options(options, False)
    return options is None or close(result, plain.attention(q, k, v, **options).out)


def test_attention():
    fuzz(lambda damage: operands(damage) | attention_options(damage), attend.attention, attention_is_right)


def test_explain():
    fuzz(
        lambda damage: operands(damage) | attention_options(damage) | {"return_weights": "head_mean"},
        lambda threads=None, **arguments: attend.explain(**arguments),
        lambda arguments, line: isinstance(line, str) and len(line) > 10,
    )


def test_attention_backward():
    def make(damage):
        arguments, options = operands(damage), attention_options(damage)
        options.pop("mask", None)  # lse is that of the options, so they must leave something to see
        out, lse = attend.attention(**arguments, **options, return_lse=True)
        return {"dout": numbers(damage, 2, 4, 5, 6), **arguments, "out": out, "lse": lse, **options}

    def right(arguments, result):
        (dout, q, k, v, out, lse), options = split(arguments, "dout", "q", "k", "v", "out", "lse")
        options = plain_options(options, False)
        if options is None:
            return True
        forward = plain.attention(q, k, v, **options)
        if not (close(out, forward.out) and close(lse, forward.lse)):
            return all(np.shape(g) == np.shape(x) for g, x in zip(result, (q, k, v)))  # of some other forward pass
        expected = plain.gradients(dout, q, k, v, **options)
        return all(close(g, e) for g, e in zip(result, (expected.q, expected.k, expected.v)))

    fuzz(make, attend.attention_backward, right)


def packed(damage):
    """Two sequences, of 2 and 3 queries, and 4 and 3 keys."""
    arguments = {"q": numbers(damage, 5, 4, 8), "k": numbers(damage, 7, 2, 8), "v": numbers(damage, 7, 2, 6)}
    return arguments | {"cu_seqlens_q": np.array([0, 2, 5]), "cu_seqlens_k": [0, 4, 7]}


def varlen_options(damage):
    options = {"scale": 0.3, "causal": "lower_right", "window": (2, 1), "softcap": 2.0, "sinks": numbers(damage, 4)}
    return damage.options(options | {"kv_lengths": [4, 2], "threads": 2, "isa": "scalar"})


def by_sequence(arguments, options):
    """(rows of q, rows of k, options) of each sequence, as plain.py takes them."""
    q_starts, k_starts = ([int(n) for n in arguments[name]] for name in ("cu_seqlens_q", "cu_seqlens_k"))
    lengths = options.pop("kv_lengths", None)
    for s, (q, k) in enumerate(zip(zip(q_starts, q_starts[1:]), zip(k_starts, k_starts[1:]))):
        own = {} if lengths is None else {"kv_lengths": [int(list(lengths)[s])]}
        yield slice(*q), slice(*k), options | own


def heads_first(x, rows):
    return np.asarray(x)[rows].swapaxes(0, 1)[None]


def test_attention_varlen():
    def right(arguments, result):
        operands, options = split(arguments, "q", "k", "v", "cu_seqlens_q", "cu_seqlens_k")
        q, k, v = operands[:3]
        options = plain_options(options, False)
        if options is None:
            return True
        for rows, keys, own in by_sequence(arguments, options):
            expected = plain.attention(heads_first(q, rows), heads_first(k, keys), heads_first(v, keys), **own).out
            if not close(heads_first(result, rows), expected):
                return False
        return True

    fuzz(lambda damage: packed(damage) | varlen_options(damage), attend.attention_varlen, right)


def test_attention_varlen_backward():
    def make(damage):
        arguments, options = packed(damage), varlen_options(damage)
        out, lse = attend.attention_varlen(**arguments, **options, return_lse=True)
        return {"dout": numbers(damage, 5, 4, 6), **arguments, "out": out, "lse": lse, **options}

    def right(arguments, result):
        names = "dout", "q", "k", "v", "out", "lse", "cu_seqlens_q", "cu_seqlens_k"
        (dout, q, k, v, out, lse, *_), options = split(arguments, *names)
        options = plain_options(options, False)
        if any(np.shape(g) != np.shape(x) for g, x in zip(result, (q, k, v))):
            return False
        if options is None:
            return True
        for rows, keys, own in by_sequence(arguments, options):
            operands = heads_first(q, rows), heads_first(k, keys), heads_first(v, keys)
            forward = plain.attention(*operands, **own)
            if not (close(heads_first(out, rows), forward.out) and close(lse[None, :, rows], forward.lse)):
                continue  # of some other forward pass
            expected = plain.gradients(heads_first(dout, rows), *operands, **own)
            pairs = (result[0][rows], expected.q), (result[1][keys], expected.k), (result[2][keys], expected.v)
            if not all(close(g, e[0].swapaxes(0, 1)) for g, e in pairs):
                return False
        return True

    fuzz(make, attend.attention_varlen_backward, right)


def test_rope():
    def make(damage):
        arguments = {"x": numbers(damage, 2, 4, 5, 8), "cos": numbers(damage, 9, 3), "sin": numbers(damage, 9, 3)}
        options = {"positions": [8, 0, 3, 3, 1], "rope_layout": "interleaved", "transposed": True, "threads": 2}
        return arguments | damage.options(options)

    def right(arguments, result):
        (x, cos, sin), options = split(arguments, "x", "cos", "sin")
        places = options.get("positions")
        places = np.arange(x.shape[2]) if places is None else np.asarray(places, dtype=np.int64)
        sign = -1.0 if options.get("transposed") else 1.0
        return close(result, plain_rope(x, cos, sign * sin[:9], places, options.get("rope_layout", "half_split")))

    fuzz(make, attend.rope, right)


def decode_options(damage):
    return damage.options(
        {
            "sequences": [1, 0],
            "query_counts": [3, 2],
            "scale": 0.3,
            "causal": "upper_left",
            "window": (2, 1),
            "alibi_slopes": np.abs(numbers(damage, 4)),
            "softcap": 2.0,
            "sinks": numbers(damage, 4),
            "threads": 2,
            "isa": "scalar",
        }
    )


def tokens_of(pages, sequence):
    """The keys and values of one sequence, [1, Hkv, T, D]."""
    table = np.asarray(pages["block_table"])[sequence]
    length = pages["lengths"][sequence]
    return tuple(
        np.concatenate([array[page] for page in table[: -(-length // 4)]] or [array[0][:, :0]], axis=1)[None, :, :length]
        for array in (pages["key"], pages["value"])
    )


def decode_is_right(arguments, result):
    names = ("q", "key", "value", "lengths", "block_table")
    (q, *pages), options = split(arguments, *names)
    pages = dict(zip(names[1:], pages))
    sequences, counts = options.pop("sequences", None), options.pop("query_counts", None)
    options = plain_options(options, "lower_right")
    if options is None or np.asarray(pages["key"]).dtype != np.float32:
        return True
    slopes = options.pop("alibi_slopes", None)
    for b in range(len(q)):
        k, v = tokens_of(pages, b if sequences is None else list(sequences)[b])
        count = q.shape[2] if counts is None else list(counts)[b]
        if slopes is not None:
            options["alibi_slopes"] = slopes if slopes.ndim == 1 else slopes[min(b, len(slopes) - 1)]
        if not close(result[b : b + 1, :, :count], plain.attention(q[b : b + 1, :, :count], k, v, **options).out):
            return False
        if not np.all(result[b, :, count:] == 0):
            return False
    return True


def paged(damage):
    return {
        "key": numbers(damage, 5, 2, 4, 8),
        "value": numbers(damage, 5, 2, 4, 6),
        "lengths": [7, 5],
        "block_table": [[4, 1], [2, 0]],
    }


def test_attention_decode():
    def call(q, key, value, lengths, block_table, **options):
        return attend.attention_decode(q, attend.KVPages(key, value, lengths, block_table), **options)

    fuzz(lambda damage: {"q": numbers(damage, 2, 4, 3, 8), **paged(damage), **decode_options(damage)}, call, decode_is_right)


def test_kv_append():
    def make(damage):
        return {
            "k": numbers(damage, 2, 2, 2, 8),
            "v": numbers(damage, 2, 2, 2, 6),
            **paged(damage),
            "lengths": [3, 5],
            **damage.options({"counts": [2, 1], "sequences": [1, 0], "threads": 1}),
        }

    def call(k, v, key, value, lengths, block_table, **options):
        pages = attend.KVPages(key, value, lengths, block_table)
        return attend.kv_append(k, v, pages, **options)

    def right(arguments, _):
        (k, key, lengths, table), options = split(arguments, "k", "key", "lengths", "block_table")
        sequences, counts = options.get("sequences"), options.get("counts")
        for b in range(len(k)):
            s = b if sequences is None else list(sequences)[b]
            for t in range(k.shape[2] if counts is None else list(counts)[b]):
                at = int(lengths[s]) + t
                page = at if table is None else np.asarray(table)[s][at // key.shape[2]]
                row = key[s, :, at] if table is None else key[page, :, at % key.shape[2]]
                if not np.array_equal(row, k[b, :, t].astype(key.dtype)):
                    return False
        return True

    fuzz(make, call, right)


def act(cache, lists, name, n):
    """Does to the cache and to plain lists of tokens the same."""
    if name == "append":
        tokens = np.arange(2 * max(0, n[1]), dtype=np.float32).reshape(1, 1, -1, 2) + n[2]
        cache.append(tokens, tokens, sequences=[n[0]])
        lists[n[0]] += tokens[0, 0].tolist()
    elif name == "truncate":
        cache.truncate(n[0], n[1])
        del lists[n[0]][n[1] :]
    elif name == "share":
        cache.share(n[0], n[1], n[2])
        lists[n[1]] = lists[n[0]][: n[2]]
    else:
        cache.reset()
        lists[:] = [[] for _ in lists]


def assert_holds(cache, lists):
    view = cache.view()
    for s, tokens in enumerate(lists):
        assert cache.lengths[s] == len(tokens)
        pages = view.block_table[s]
        held = [view.key[pages[t // cache.page_size], 0, t % cache.page_size].tolist() for t in range(len(tokens))]
        assert held == tokens
    assert 0 <= cache.free_pages <= cache.pages


@pytest.mark.parametrize("page_size, pages", [(None, None), (2, None), (2, 4), (1, 5)])
def test_kv_cache_beside_plain_lists(page_size, pages):
    refused = 0
    for seed in range(ROUNDS // 10):
        random = np.random.default_rng(seed)
        cache = attend.KVCache(sequences=3, capacity=6, kv_heads=1, key_width=2, page_size=page_size, pages=pages)
        lists = [[], [], []]
        for _ in range(20):
            name = random.choice(["append", "append", "truncate", "share", "reset"], p=[0.3, 0.3, 0.2, 0.18, 0.02])
            try:
                act(cache, lists, name, random.integers(-1, 5, 3).tolist())
            except REFUSALS:
                refused += 1
            assert_holds(cache, lists)
    assert refused > ROUNDS / 10


def test_kv_cache_sizes():
    def make(damage):
        return dict(sequences=2, capacity=6, kv_heads=1, key_width=2, value_width=3, page_size=2, pages=4, dtype="int8")

    fuzz(make, attend.KVCache, lambda arguments, cache: cache.pages > 0 and cache.free_pages == cache.pages)


def test_merge():
    def make(damage):
        arguments = operands(damage)
        first = attend.attention(arguments["q"], arguments["k"], arguments["v"], return_lse=True)
        second = attend.attention(arguments["q"], arguments["v"].repeat(2, 3)[..., :8], arguments["v"], return_lse=True)
        return {"a": first[0], "b": first[1], "c": second[0], "d": second[1], "layout": "bhtd", "threads": 1}

    def right(arguments, result):
        (a, b, c, d, layout), _ = split(arguments, "a", "b", "c", "d", "layout")
        if layout != "bhtd":
            return True
        a, b, c, d = (x.astype(np.float64) for x in (a, b, c, d))
        lse = np.logaddexp(b, d)
        expected = np.exp(b - lse)[..., None] * a + np.exp(d - lse)[..., None] * c
        return close(result[0], expected) and close(result[1], lse)

    fuzz(make, lambda a, b, c, d, **options: attend.merge((a, b), (c, d), **options), right)


def borrowed(array, name, writable=False):
    return attend._attend.Array(array, name, writable)


@pytest.mark.parametrize("offset", [0, 1, 40])
def test_results_over_operands_are_refused(offset):
    memory = np.random.default_rng(1).standard_normal(4 * 2 * 4 * 5 * 8).astype(np.float32)
    shape, count = (2, 4, 5, 8), 2 * 4 * 5 * 8
    q, k, v = (memory[n * count : (n + 1) * count].reshape(shape) for n in range(3))
    out = memory[2 * count + offset : 3 * count + offset].reshape(shape)
    before = memory.copy()
    operands = [borrowed(x, name) for x, name in ((q, "query"), (k, "key"), (v, "value"))]
    with pytest.raises(ValueError, match="overlap"):
        attend._attend.attention(*operands, borrowed(out, "output", True), None, None, None, None)
    lse = borrowed(memory[: 2 * 4 * 5].reshape(2, 4, 5), "lse", True)
    apart = borrowed(np.zeros(shape, dtype=np.float32), "output", True)
    with pytest.raises(ValueError, match="overlap"):
        attend._attend.attention(*operands, apart, lse, None, None, None)
    cache = attend.KVPages(k, v, [5, 5])._borrow(writable=False)
    with pytest.raises(ValueError, match="overlap"):
        attend._attend.attention_decode(operands[0], cache, borrowed(out, "output", True), None, None, None)
    gradient = borrowed(out, "key_gradient", True)
    free = [borrowed(np.zeros(shape, dtype=np.float32), name, True) for name in ("a", "b")]
    rows = borrowed(np.zeros((2, 4, 5), dtype=np.float32), "lse")
    with pytest.raises(ValueError, match="overlap"):
        attend._attend.attention_backward(
            operands[0], *operands, operands[0], rows, free[0], gradient, free[1], None, None
        )
    assert np.array_equal(memory, before)
