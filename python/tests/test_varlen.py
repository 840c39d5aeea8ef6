import numpy as np
import plain
import pytest

import attend

# Sequences of other lengths on either side; one without queries, one without keys, one without both.
QUERIES, KEYS = (5, 0, 1, 33, 0, 4), (7, 3, 0, 40, 0, 4)
EPS = np.finfo(np.float32).eps


def starts_of(lengths, dtype=np.int64):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(dtype)


@pytest.fixture
def packed():
    """Makes q, k, v as [total, H, D], and the offsets of their sequences."""

    def make(queries=QUERIES, keys=KEYS, Hq=4, Hkv=2, D=8, Dv=6, dtype=np.float32):
        random = np.random.default_rng(11)
        shapes = (sum(queries), Hq, D), (sum(keys), Hkv, D), (sum(keys), Hkv, Dv)
        return *(random.standard_normal(s).astype(dtype) for s in shapes), starts_of(queries), starts_of(keys)

    return make


def sequences(q_starts, k_starts):
    """(s, rows of q, rows of k) of each sequence."""
    for s in range(len(q_starts) - 1):
        yield s, slice(q_starts[s], q_starts[s + 1]), slice(k_starts[s], k_starts[s + 1])


def alone(x, rows):
    """Of a packed array, one sequence as [1, H, T, D]."""
    return x[rows].swapaxes(0, 1)[None]


def together(x):
    """[1, H, T, D] as packed."""
    return x[0].swapaxes(0, 1)


def of_sequence(options, s, Tq, Tk):
    """The options as attention() takes them for one sequence."""
    own = dict(options)
    for name in ("query_offset", "kv_lengths"):
        if name in own:
            own[name] = [own[name][s]]
    for name in ("mask", "bias"):
        if name in own:
            own[name] = own[name][s % len(own[name]), :, :Tq, :Tk]
    if np.ndim(own.get("alibi_slopes")) == 2:
        own["alibi_slopes"] = own["alibi_slopes"][s]
    return own


def random(*shape, seed=3):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


OPTIONS = [
    dict(),
    dict(scale=0.31),
    dict(causal="upper_left"),
    dict(causal="lower_right", window=(3, -1)),
    dict(causal=True, query_offset=[0, 1, 2, 3, 4, 5]),
    dict(window=(1, 2)),
    dict(kv_lengths=[4, 0, 0, 17, 0, 4]),
    dict(mask=random(6, 1, 33, 40) < 0.5),
    dict(mask=random(1, 4, 33, 40) < 0.5),
    dict(bias=random(6, 4, 33, 40)),
    dict(alibi_slopes=np.abs(random(4))),
    dict(alibi_slopes=np.abs(random(6, 4))),
    dict(softcap=2.0, sinks=random(4)),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "none")
@pytest.mark.parametrize("isa", attend.isas())
def test_every_sequence_has_the_bits_that_it_has_alone(packed, options, isa):
    q, k, v, *starts = packed()
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True, isa=isa, **options)
    assert (out.shape, lse.shape) == ((43, 4, 6), (4, 43))
    for s, rows, keys in sequences(*starts):
        own = of_sequence(options, s, rows.stop - rows.start, keys.stop - keys.start)
        operands = alone(q, rows), alone(k, keys), alone(v, keys)
        one, its_lse = attend.attention(*operands, return_lse=True, isa=isa, **own)
        assert np.array_equal(out[rows], together(one))
        assert np.array_equal(lse[:, rows], its_lse[0])
        if own.get("causal") is True:
            own["causal"] = "query_offset"
        expected = plain.attention(*operands, **own).out
        assert np.all(np.abs(out[rows] - together(expected)) <= 30 * EPS)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "none")
def test_gradients_are_those_of_each_sequence(packed, options):
    q, k, v, *starts = packed()
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True, **options)
    dout = random(*out.shape, seed=7)
    asked = {"return_dbias": "bias" in options, "return_dsinks": "sinks" in options}
    dq, dk, dv, *others = attend.attention_varlen_backward(dout, q, k, v, out, lse, *starts, **asked, **options)
    assert (dq.shape, dk.shape, dv.shape) == (q.shape, k.shape, v.shape)
    sinks, bias = np.zeros(4), np.zeros((6, 4, 33, 40))
    for s, rows, keys in sequences(*starts):
        own = of_sequence(options, s, rows.stop - rows.start, keys.stop - keys.start)
        if own.get("causal") is True:
            own["causal"] = "query_offset"
        expected = plain.gradients(alone(dout, rows), alone(q, rows), alone(k, keys), alone(v, keys), **own)
        for gradient, one in ((dq[rows], expected.q), (dk[keys], expected.k), (dv[keys], expected.v)):
            assert np.all(np.abs(gradient - together(one)) <= 200 * EPS)
        sinks = sinks if expected.sinks is None else sinks + expected.sinks
        bias[s, :, : rows.stop - rows.start, : keys.stop - keys.start] = expected.bias[0]
    if "sinks" in options:
        (dsinks,) = others
        assert dsinks.shape == (4,) and np.all(np.abs(dsinks - sinks) <= 400 * EPS)
    if "bias" in options:
        (dbias,) = others
        assert dbias.shape == bias.shape and np.all(np.abs(dbias - bias) <= 200 * EPS)


def test_the_gradient_of_a_bias_that_sequences_share_is_the_sum_of_theirs(packed):
    q, k, v, *starts = packed()
    bias = random(1, 4, 33, 1)
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True, bias=bias, sinks=random(4))
    options = dict(bias=bias, sinks=random(4))
    dout = random(*out.shape, seed=7)
    *_, dbias = attend.attention_varlen_backward(dout, q, k, v, out, lse, *starts, return_dbias=True, **options)
    expected = np.zeros((1, 4, 33, 1))
    for s, rows, keys in sequences(*starts):
        own = dict(options, bias=bias[0, :, : rows.stop - rows.start])
        one = plain.gradients(alone(dout, rows), alone(q, rows), alone(k, keys), alone(v, keys), **own)
        expected[0, :, : rows.stop - rows.start] += one.bias[0].sum(-1, keepdims=True)
    assert dbias.shape == bias.shape and np.all(np.abs(dbias - expected) <= 400 * EPS)


def test_dropout_counts_sequences_as_batch_rows(packed):
    q, k, v, *starts = packed(queries=(9, 9), keys=(12, 12))
    options = dict(dropout=0.4, seed=5)
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True, **options)
    padded = [x.reshape(2, -1, *x.shape[1:]) for x in (q, k, v)]
    expected, its_lse = attend.attention(*padded, layout="bthd", return_lse=True, **options)
    assert np.array_equal(out, expected.reshape(out.shape))
    gradients = attend.attention_varlen_backward(out, q, k, v, out, lse, *starts, **options)
    all_of_them = attend.attention_backward(expected, *padded, expected, its_lse, layout="bthd", **options)
    for gradient, one in zip(gradients, all_of_them):
        assert np.array_equal(gradient, one.reshape(gradient.shape))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_types(packed, dtype):
    q, k, v, *starts = packed(dtype=dtype)
    out, lse = attend.attention_varlen(q, k, v, *starts, causal="lower_right", return_lse=True)
    assert (out.dtype, lse.dtype) == (dtype, np.float64 if dtype is np.float64 else np.float32)
    gradients = attend.attention_varlen_backward(out, q, k, v, out, lse, *starts, causal="lower_right")
    for s, rows, keys in sequences(*starts):
        operands = alone(q, rows), alone(k, keys), alone(v, keys)
        expected = plain.attention(*operands, causal="lower_right").out
        assert np.all(np.abs(out[rows] - together(expected)) <= 30 * np.finfo(dtype).eps)
    for gradient, x in zip(gradients, (q, k, v)):
        assert gradient.dtype == dtype and gradient.shape == x.shape


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16, list])
def test_offsets_of_any_integers(packed, kind):
    q, k, v, *starts = packed()
    given = [s.tolist() if kind is list else s.astype(kind) for s in starts]
    expected = attend.attention_varlen(q, k, v, *starts)
    assert np.array_equal(attend.attention_varlen(q, k, v, *given), expected)
    assert np.array_equal(attend.attention_varlen(q, k, v, *(np.repeat(s, 2)[::2] for s in starts)), expected)


def test_operands_are_read_where_they_lie(packed):
    q, k, v, *starts = packed()
    qkv = np.full((40 + 43, 3, 4, 8), np.nan, dtype=np.float32)
    qkv[40:, 0] = q
    out = attend.attention_varlen(qkv[40:, 0], k, v, *starts)
    assert np.array_equal(out, attend.attention_varlen(q, k, v, *starts))
    by_heads = np.ascontiguousarray(q.swapaxes(0, 1)).swapaxes(0, 1)
    assert np.array_equal(out, attend.attention_varlen(by_heads, k, v, *starts))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_number_of_threads(packed, threads):
    q, k, v, *starts = packed(queries=(200, 3, 70), keys=(300, 3, 1))
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True)
    some = attend.attention_varlen(q, k, v, *starts, return_lse=True, threads=threads)
    assert np.array_equal(out, some[0]) and np.array_equal(lse, some[1])
    gradients = attend.attention_varlen_backward(out, q, k, v, out, lse, *starts)
    fewer = attend.attention_varlen_backward(out, q, k, v, out, lse, *starts, threads=threads)
    assert all(np.array_equal(a, b) for a, b in zip(gradients, fewer))


def test_no_sequence_sees_a_nan_of_another(packed):
    q, k, v, *starts = packed()
    expected = attend.attention_varlen(q, k, v, *starts)
    k[:7], v[:7] = np.nan, np.inf
    out = attend.attention_varlen(q, k, v, *starts)
    assert np.array_equal(out[5:], expected[5:]) and np.all(np.isnan(out[:5]))
    assert np.all(out[5] == 0)  # the sequence without keys


def test_no_sequences_at_all(packed):
    q, k, v, *starts = packed(queries=(), keys=())
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True)
    assert (out.shape, lse.shape) == ((0, 4, 6), (4, 0))


def test_explain_names_the_instruction_set(packed):
    operands = packed()
    for isa in attend.isas():
        assert isa in attend.explain_varlen(*operands, isa=isa)
    with pytest.raises(ValueError, match="cu_seqlens_q"):
        attend.explain_varlen(*operands[:3], [0, 5], operands[4])


@pytest.mark.parametrize(
    "starts, error, sentence",
    [
        (dict(q=[1, 5, 43]), ValueError, r"cu_seqlens_q\[0\] is 1, but must be 0"),
        (dict(q=[0, 44, 43]), ValueError, r"cu_seqlens_q\[2\] is 43, but must be at least cu_seqlens_q\[1\], which is 44"),
        (dict(q=[0, 5, 44]), ValueError, r"cu_seqlens_q\[2\] is 44, but must be query axis total_q, which is 43"),
        (dict(k=[0, 54]), ValueError, "cu_seqlens_k has 2 numbers, but cu_seqlens_q has 7"),
        (dict(q=[]), ValueError, "cu_seqlens_q is empty"),
        (dict(q=[0.0, 43.0]), TypeError, "cu_seqlens_q is float64, but must be integers"),
        (dict(k=[[0], [0, 54]]), TypeError, "cu_seqlens_k must be an array of integers"),
        (dict(k=[[0, 54]]), ValueError, "cu_seqlens_k has 2 axes, but must have 1"),
        (dict(k=np.array([0, 2**63], dtype=np.uint64)), ValueError, r"cu_seqlens_k has a 9223372036854775808"),
        (dict(k=np.broadcast_to(0, 2**40)), ValueError, "cu_seqlens_k has 1099511627776 numbers, but must have fewer"),
        (dict(k=None), TypeError, "cu_seqlens_k is object, but must be integers"),
    ],
    ids=str,
)
def test_offsets_that_do_not_fit_are_refused(packed, starts, error, sentence):
    q, k, v, q_starts, k_starts = packed()
    given = starts.get("q", q_starts), starts.get("k", k_starts)
    with pytest.raises(error, match=sentence):
        attend.attention_varlen(q, k, v, *given)
    out, lse = attend.attention_varlen(q, k, v, q_starts, k_starts, return_lse=True)
    with pytest.raises(error, match=sentence):
        attend.attention_varlen_backward(out, q, k, v, out, lse, *given)


def test_wrong_operands_are_refused(packed):
    q, k, v, *starts = packed()
    with pytest.raises(ValueError, match=r"query has 4 axes, but must have 3: \[tokens, heads, width\]"):
        attend.attention_varlen(q[None], k, v, *starts)
    with pytest.raises(ValueError, match="causal is True, but sequence 0 has 5 queries and 7 keys"):
        attend.attention_varlen(q, k, v, *starts, causal=True)
    with pytest.raises(ValueError, match="kv_lengths has 2 numbers"):
        attend.attention_varlen(q, k, v, *starts, kv_lengths=[1, 2])
    with pytest.raises(TypeError, match="layout"):
        attend.attention_varlen(q, k, v, *starts, layout="bhtd")
    with pytest.raises(TypeError, match="there is no option \"layout\""):
        attend.explain_varlen(q, k, v, *starts, layout="bhtd")
    out, lse = attend.attention_varlen(q, k, v, *starts, return_lse=True)
    with pytest.raises(ValueError, match="lse has 3 axes, but must have 2"):
        attend.attention_varlen_backward(out, q, k, v, out, lse[None], *starts)
    with pytest.raises(ValueError, match="return_dbias is True, but bias is None"):
        attend.attention_varlen_backward(out, q, k, v, out, lse, *starts, return_dbias=True)
    with pytest.raises(ValueError, match="return_dsinks is True, but sinks is None"):
        attend.attention_varlen_backward(out, q, k, v, out, lse, *starts, return_dsinks=True)


def test_causal_true_where_every_sequence_is_square(packed):
    q, k, v, *starts = packed(queries=(5, 0, 9), keys=(5, 0, 9))
    out = attend.attention_varlen(q, k, v, *starts, causal=True)
    assert np.array_equal(out, attend.attention_varlen(q, k, v, *starts, causal="upper_left"))
