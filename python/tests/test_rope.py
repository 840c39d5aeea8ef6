"""Rotary position embedding: by itself against plain NumPy, and in every call against rows turned beforehand."""

import numpy as np
import plain
import pytest

import attend

EPS = np.finfo(np.float32).eps
LAYOUTS = ["half_split", "interleaved"]
WIDTHS = [2, 4, 8]  # of D = 8 features


def plain_rope(x, cos, sin, positions, layout="half_split"):
    """[B, H, T, D] in float64; positions [T] or [B, T]."""
    x, pairs = x.astype(np.float64), cos.shape[1]
    cos, sin = (table[np.asarray(positions)].astype(np.float64) for table in (cos, sin))
    cos, sin = (table[:, None] if table.ndim == 3 else table[None, None] for table in (cos, sin))
    a, b = np.arange(pairs), np.arange(pairs) + pairs
    if layout == "interleaved":
        a, b = 2 * np.arange(pairs), 2 * np.arange(pairs) + 1
    y = x.copy()
    y[..., a] = x[..., a] * cos - x[..., b] * sin
    y[..., b] = x[..., b] * cos + x[..., a] * sin
    return y


def near(result, expected, eps=30 * EPS):
    assert result.shape == expected.shape
    assert np.all(np.abs(result - expected) <= eps)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("positions", [None, [3, 0, 63, 7, 7], [[4, 3, 2, 1, 0], [9, 8, 7, 6, 5]]])
def test_rows_are_turned_by_their_positions(operands, layout, width, positions):
    q, *_ = operands()
    cos, sin = attend.rope_table(64, width)
    options = dict(rope_layout=layout, positions=positions)
    turned = attend.rope(q, cos, sin, **options)
    near(turned, plain_rope(q, cos, sin, range(5) if positions is None else positions, layout), 4 * EPS)
    assert np.array_equal(turned[..., width:], q[..., width:])
    near(attend.rope(turned, cos, sin, transposed=True, **options), q, 8 * EPS)
    swapped = attend.rope(q.swapaxes(1, 2), cos, sin, layout="bthd", **options)
    assert np.array_equal(swapped.swapaxes(1, 2), turned)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_types(operands, dtype):
    q, *_ = operands(dtype=dtype)
    cos, sin = attend.rope_table(8, 8, dtype="float64" if dtype is np.float64 else "float32")
    turned = attend.rope(q, cos, sin)
    assert turned.dtype == dtype
    near(turned, plain_rope(q, cos, sin, range(5)), 4 * np.finfo(dtype).eps)


def test_tables():
    p, r = np.arange(50)[:, None], np.arange(4)
    cos, sin = attend.rope_table(50, 8, dtype="float64")
    near(cos, np.cos(p * 10000.0 ** (-r / 4)), 1e-13)
    near(sin, np.sin(p * 10000.0 ** (-r / 4)), 1e-13)
    f = np.array([1.0, 0.5, 0.25, 0.0])
    cos, sin = attend.rope_table(50, 8, frequencies=f, position_scale=0.25, magnitude=1.5)
    assert cos.dtype == np.float32
    near(cos, 1.5 * np.cos(p * 0.25 * f), 1e-6)
    near(sin, 1.5 * np.sin(p * 0.25 * f), 1e-6)
    near(attend.rope_table(50, 8, base=500)[0], np.cos(p * 500.0 ** (-r / 4)), 1e-6)


POSITIONS = [
    dict(),
    dict(query_positions=np.array([9, 1, 0, 5, 5], dtype=np.int32)),
    dict(key_positions=[[7, 6, 5, 4, 3, 2, 1], [0, 0, 9, 0, 0, 0, 8]]),
    dict(query_positions=[[3] * 5, [4] * 5], key_positions=range(20, 27)),
]


@pytest.mark.parametrize("isa", attend.isas())
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("places", POSITIONS, ids="-".join)
@pytest.mark.parametrize("width", [4, 8])
def test_attention_turns_queries_and_keys(operands, isa, layout, places, width):
    q, k, v = operands()
    rope = attend.rope_table(64, width, base=20)
    options = dict(causal="lower_right", isa=isa, rope=rope, rope_layout=layout, **places)
    out, lse = attend.attention(q, k, v, return_lse=True, **options)
    at_q = places.get("query_positions", range(2, 7))
    at_k = places.get("key_positions", range(7))
    turned = plain_rope(q, *rope, at_q, layout), plain_rope(k, *rope, at_k, layout)
    expected = plain.attention(*turned, v, causal="lower_right")
    near(out, expected.out)
    near(lse, expected.lse)
    dout = np.random.default_rng(7).standard_normal(out.shape).astype(np.float32)
    dq, dk, dv = attend.attention_backward(dout, q, k, v, out, lse, **options)
    gradients = plain.gradients(dout, *turned, v, causal="lower_right")
    cos, sin = rope  # and back: the transpose is the rotation by the other sign
    near(dq, plain_rope(gradients.q, cos, -sin, at_q, layout), 200 * EPS)
    near(dk, plain_rope(gradients.k, cos, -sin, at_k, layout), 200 * EPS)
    near(dv, gradients.v, 200 * EPS)


def test_the_line_knows(operands):
    q, k, v = operands()
    assert isinstance(attend.explain(q, k, v, rope=attend.rope_table(8, 8)), str)
    with pytest.raises(ValueError, match="position"):
        attend.explain(q, k, v, rope=attend.rope_table(6, 8))


@pytest.mark.parametrize("explicit", [False, True])
def test_packed_sequences_stand_on_axes_of_their_own(operands, explicit):
    q, k, v = operands(B=1, Tq=12, Tk=12)
    q, k, v = (np.ascontiguousarray(x[0].swapaxes(0, 1)) for x in (q, k, v))
    starts, rope = [0, 5, 5, 12], attend.rope_table(32, 8)
    options = dict(causal=True, rope=rope, rope_layout="interleaved")
    if explicit:
        options |= dict(query_positions=np.arange(12) + 3, key_positions=np.arange(12)[None] + 1)
    out, lse = attend.attention_varlen(q, k, v, starts, starts, return_lse=True, **options)
    gradients = attend.attention_varlen_backward(out, q, k, v, out, lse, starts, starts, **options)
    assert isinstance(attend.explain_varlen(q, k, v, starts, starts, **options), str)
    for begin, end in ((0, 5), (5, 12)):
        own = dict(options)
        if explicit:
            own |= {name: np.ravel(own[name])[begin:end] for name in ("query_positions", "key_positions")}
        rows = [x[begin:end].swapaxes(0, 1)[None] for x in (q, k, v)]
        one, its_lse = attend.attention(*rows, return_lse=True, **own)
        assert np.array_equal(out[begin:end], one[0].swapaxes(0, 1))
        expected = attend.attention_backward(one, *rows, one, its_lse, **own)
        for gradient, e in zip(gradients, expected):
            assert np.array_equal(gradient[begin:end], e[0].swapaxes(0, 1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_keys_are_turned_once_as_they_are_appended(operands, layout, dtype):
    q, k, v = operands(Tq=2, Tk=9)
    turn = dict(rope=attend.rope_table(32, 4, base=30), rope_layout=layout)
    caches = [
        attend.KVCache(sequences=2, capacity=9, kv_heads=2, key_width=8, value_width=6, dtype=dtype)
        for _ in range(2)
    ]
    for rows in (slice(0, 5), slice(5, 9)):
        caches[0].append(k[:, :, rows], v[:, :, rows], **turn)
    caches[1].append(attend.rope(k, *turn["rope"], rope_layout=layout), v)
    stored = [np.asarray(cache.view().key, dtype=np.float64) for cache in caches]
    near(*stored, 4 * EPS if dtype == "float32" else 1)
    out = attend.attention_decode(q, caches[0], **turn)
    assert isinstance(attend.explain_decode(q, caches[0], **turn), str)
    near(out, attend.attention(q, k, v, causal="lower_right", **turn), 30 * EPS if dtype == "float32" else 0.05)
    places = dict(query_positions=[[1, 4], [0, 31]])
    expected = attend.attention(q, k, v, causal="lower_right", **turn, **places)
    near(attend.attention_decode(q, caches[0], **turn, **places), expected, 30 * EPS if dtype == "float32" else 0.05)


def test_pages_of_the_callers_and_positions_of_its_own(operands):
    _, k, v = operands(Tk=4)
    cos, sin = attend.rope_table(32, 8)
    pages = [np.zeros((2, 2, 4, width), dtype=np.float32) for width in (8, 6)]
    places = [[1, 3, 5, 7], [31, 0, 0, 2]]
    attend.kv_append(k, v, attend.KVPages(*pages, [0, 0]), rope=(cos, sin), key_positions=places)
    near(pages[0], plain_rope(k, cos, sin, places), 4 * EPS)
    with pytest.raises(ValueError, match="key 1 of batch row 0 has position 32, but rope.cos axis P is 32"):
        attend.kv_append(k, v, attend.KVPages(*pages, [0, 0]), rope=(cos, sin), key_positions=[0, 32, 0, 0])
    near(pages[0], plain_rope(k, cos, sin, places), 4 * EPS)


TABLES = attend.rope_table(16, 8)
REFUSED = [
    (dict(rope_layout="interleaved"), ValueError, 'rope_layout is "interleaved", but rope is None'),
    (dict(rope=TABLES, rope_layout="halves"), ValueError, "rope_layout is 'halves', but must be"),
    (dict(rope=TABLES, rope_layout=np.zeros(2)), ValueError, "rope_layout is array"),
    (dict(rope=TABLES[0]), TypeError, r"rope is ndarray, but must be a pair \(cos, sin\)"),
    (dict(rope=TABLES * 2), ValueError, "rope has 4 members"),
    (dict(rope=(TABLES[0], None)), TypeError, "rope.sin is NoneType"),
    (dict(rope=(TABLES[0], TABLES[1][:9])), ValueError, "rope.sin axis P is 9, but rope.cos axis P is 16"),
    (dict(rope=(TABLES[0][0], TABLES[1][0])), ValueError, "rope.cos has 1 axes, but must have 2"),
    (dict(rope=attend.rope_table(16, 8, dtype="float64")), ValueError, "rope.cos is float64, but must be float32"),
    (dict(rope=attend.rope_table(16, 10)), ValueError, "rope.cos axis R/2 is 5, of two features each, but query axis D is 8"),
    (dict(rope=attend.rope_table(6, 8)), ValueError, "query 4 of batch row 0 has position 6, but rope.cos axis P is 6"),
    (dict(query_positions=range(5)), ValueError, "query_positions has 5 numbers, but rope is absent"),
    (dict(rope=TABLES, query_positions=range(4)), ValueError, r"query_positions has shape \[4\], but must have \[5\] or \[2, 5\]"),
    (dict(rope=TABLES, key_positions=np.zeros((7, 2), int)), ValueError, r"key_positions has shape \[7, 2\]"),
    (dict(rope=TABLES, key_positions=[0.5] * 7), TypeError, "key_positions is float64, but must be integers"),
    (dict(rope=TABLES, key_positions=[-1] * 7), ValueError, "key 0 of batch row 0 has position -1"),
    (dict(rope=TABLES, query_positions=np.broadcast_to(0, 2**40)), ValueError, "query_positions has 1099511627776 numbers"),
]


@pytest.mark.parametrize("options, error, sentence", REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused(operands, options, error, sentence):
    q, k, v = operands()
    with pytest.raises(error, match=sentence):
        attend.attention(q, k, v, causal="lower_right", **options)
    out, lse = attend.attention(q, k, v, causal="lower_right", return_lse=True)
    with pytest.raises(error, match=sentence):
        attend.attention_backward(out, q, k, v, out, lse, causal="lower_right", **options)


def test_a_cache_has_no_positions_for_keys_while_it_is_read(operands):
    q, k, v = operands()
    cache = attend.KVPages(k, v, [7, 7])
    with pytest.raises(TypeError, match="key_positions"):
        attend.attention_decode(q, cache, rope=TABLES, key_positions=range(7))
    with pytest.raises(TypeError, match="key_positions is given, but has no meaning over a cache"):
        attend.explain_decode(q, cache, rope=TABLES, key_positions=np.arange(7))


@pytest.mark.parametrize(
    "arguments, error, sentence",
    [
        (dict(width=7), ValueError, "width is 7, but must be even"),
        (dict(width=0), ValueError, "width is 0, but must be in 2..1024"),
        (dict(width=1.5), TypeError, "width is float, but must be an integer"),
        (dict(positions=-1), ValueError, "positions is -1"),
        (dict(base=0), ValueError, "base is 0"),
        (dict(base="x"), TypeError, "base is str"),
        (dict(magnitude=float("nan")), ValueError, "magnitude is nan"),
        (dict(frequencies="abcd"), TypeError, "frequencies must be an array of numbers"),
        (dict(frequencies=[1.0]), ValueError, r"frequencies has shape \[1\], but must have \[4\]"),
        (dict(frequencies=[1, 2, 3, np.inf]), ValueError, "a frequency is inf"),
        (dict(dtype="float16"), ValueError, "dtype is 'float16'"),
    ],
    ids=str,
)
def test_tables_that_cannot_be_are_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        attend.rope_table(**{"positions": 4, "width": 8, **arguments})


def test_rows_that_cannot_be_turned_are_refused(operands):
    q, *_ = operands()
    with pytest.raises(ValueError, match="row 4 of batch row 0 has position 4, but rope.cos axis P is 4"):
        attend.rope(q, *attend.rope_table(4, 8))
    with pytest.raises(ValueError, match="input has 3 axes, but must have 4"):
        attend.rope(q[0], *TABLES)
    with pytest.raises(TypeError, match="transposed is int, but must be a bool"):
        attend.rope(q, *TABLES, transposed=1)
    assert np.array_equal(attend.rope(q, *TABLES, transposed=np.True_), attend.rope(q, *TABLES, transposed=True))
    with pytest.raises(ValueError, match="input axis D"):
        attend.rope(q[..., :4], *TABLES)
    with pytest.raises(ValueError, match=r"positions has shape \[2\]"):
        attend.rope(q, *TABLES, positions=[0, 1])
