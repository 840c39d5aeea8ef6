import inspect

import numpy as np
import pytest

import attend

WRONG = [
    (dict(causal=True), ValueError, "query axis Tq is 5 and key axis Tk is 7"),
    (dict(causal="diagonal"), ValueError, 'causal is "diagonal"'),
    (dict(causal=1), TypeError, "causal is int"),
    (dict(scale=float("nan")), ValueError, "scale is nan, but must be finite"),
    (dict(scale=1e300), ValueError, "scale is inf, but must be finite"),
    (dict(scale="large"), TypeError, "scale is str, but must be a number"),
    (dict(kv_lengths=[7]), ValueError, "kv_lengths has 1 numbers, but query axis B is 2"),
    (dict(kv_lengths=[]), ValueError, "kv_lengths has 0 numbers"),
    (dict(kv_lengths=[7, 8]), ValueError, r"kv_lengths\[1\] is 8, but must be between 0 and key axis Tk, which is 7"),
    (dict(kv_lengths=[7, -1]), ValueError, r"kv_lengths\[1\] is -1"),
    (dict(kv_lengths=[7, 1.0]), TypeError, "kv_lengths must be a sequence of integers"),
    (dict(kv_lengths=3), ValueError, "kv_lengths has 1 numbers, but query axis B is 2"),
    (dict(kv_lengths="37"), TypeError, "kv_lengths must be a sequence of integers"),
    (dict(window=(-2, 0)), ValueError, "window.left is -2"),
    (dict(window=3), TypeError, "window is int, but must be a sequence of integers"),
    (dict(window=(1.0, 2)), TypeError, r"window\[0\] is float, but must be an integer"),
    (dict(window=(1, 2, 3)), ValueError, r"window has 3 numbers, but must have 2: \(left, right\)"),
    (dict(window=(2**70, 0)), ValueError, rf"window\[0\] is {2**70}, but must be in -{2**63}\.\.{2**63 - 1}"),
    (dict(query_offset=2, causal="upper_left"), ValueError, 'causal is "upper_left", but query_offset is given too'),
    (dict(query_offset=[1, 2, 3]), ValueError, "query_offset has 3 numbers"),
    (dict(query_offset=2**60), ValueError, r"query_offset\[0\] is 1152921504606846976"),
    (dict(query_offset=0.5), TypeError, "query_offset must be"),
    (dict(causal="query_offset"), ValueError, 'causal is "query_offset", but query_offset is None'),
    (dict(softcap=-1.0), ValueError, "softcap is -1"),
    (dict(softcap=float("nan")), ValueError, "softcap is nan"),
    (dict(dropout=1.0), ValueError, r"dropout is 1.0+, but must be in \[0, 1\)"),
    (dict(seed=-1), ValueError, r"seed is -1, but must be in 0\.\.18446744073709551615"),
    (dict(seed=2**64), ValueError, r"seed is 18446744073709551616, but must be in 0\.\."),
    (dict(seed=1.0), TypeError, "seed is float, but must be an integer"),
    (dict(bias=np.ones((5, 6), dtype=np.float32)), ValueError, "bias axis Tk is 6"),
    (dict(bias=np.ones((5, 7))), ValueError, "bias is float64, but must be float32"),
    (dict(alibi_slopes=[1.0, 2.0, 3.0]), ValueError, "alibi_slopes axis Hq is 3"),
    (dict(alibi_slopes=[1.0, 2.0, 3.0, np.inf]), ValueError, r"alibi_slopes\[0, 3\] is inf"),
    (dict(sinks=np.ones((1, 1, 4), dtype=np.float32)), ValueError, "sinks has 3 axes, but must have 1"),
    (dict(sinks=[0.0, 0.0, np.nan, 0.0]), ValueError, r"sinks\[0, 2\] is nan"),
    (dict(sinks=[[0.0], [0.0, 1.0]]), TypeError, "sinks must be an array of numbers"),
    (dict(sinks=["a", "b", "c", "d"]), TypeError, "sinks must be an array of numbers"),
    (dict(alibi_slopes=[10**400] * 4), ValueError, "alibi_slopes has an integer beyond the range of float64"),
    (dict(scale=10**400), ValueError, "scale is an integer beyond the range of float64"),
    (dict(rope=([["x"]], [[0.0]])), TypeError, "rope.cos must be an array of numbers"),
    (dict(return_weights="all"), ValueError, "return_weights is 'all'"),
    (dict(return_weights=1), ValueError, "return_weights is 1"),
    (dict(kv_lengths=[7, 2**63]), ValueError, rf"kv_lengths\[1\] is {2**63}, but must be in"),
    (dict(query_offset=2**70), ValueError, rf"query_offset\[0\] is {2**70}, but must be in"),
    (dict(mask=np.ones((5, 6), dtype=bool)), ValueError, "mask axis Tk is 6, but must be 1 or key axis Tk, which is 7"),
    (dict(mask=np.ones((5, 7))), TypeError, "mask is float64, but must be bool"),
    (dict(mask=np.ones((5, 7), dtype=np.uint8)), TypeError, "mask is uint8, but must be bool$"),
    (dict(mask=np.ones((5, 7), dtype=int)), TypeError, "mask is int64, but must be bool$"),
    (dict(bias=np.ones((5, 7), dtype=int)), TypeError, "bias is int64, but must be float32, or float64 beside float64"),
    (dict(sinks=np.ones(4, dtype=np.complex64)), TypeError, "sinks is complex64, but must be float32, or float64"),
    (dict(query_positions=[2**70] * 5), ValueError, rf"query_positions has a {2**70}, but must be in"),
    (dict(query_positions=[0.0] * 5), TypeError, "query_positions is float64, but must be integers"),
    (dict(mask=np.ones((1, 2, 4, 5, 7), dtype=bool)), ValueError, "mask has 5 axes, but must have at most 4"),
    (dict(mask="all"), TypeError, "mask is str"),
    (dict(layout="thbd"), ValueError, "layout is 'thbd'"),
    (dict(isa="mmx"), ValueError, 'isa is "mmx", which names no instruction set'),
    (dict(isa=2), TypeError, "isa is int, but must be a string"),
    (dict(threads=0), ValueError, r"threads is 0, but must be in 1\.\.1024"),
    (dict(threads=-3), ValueError, r"threads is -3, but must be in 1\.\.1024"),
    (dict(threads=1e5), TypeError, "threads is float"),
    (dict(threads=2**40), ValueError, r"threads is 1099511627776, but must be in 1\.\.1024"),
    (dict(treads=2), TypeError, "treads"),
]


@pytest.mark.parametrize("options, error, sentence", WRONG)
def test_options_that_mean_nothing_are_named(operands, options, error, sentence):
    with pytest.raises(error, match=sentence):
        attend.attention(*operands(), **options)


@pytest.mark.parametrize("options, error, sentence", [w for w in WRONG if "threads" not in w[0]])
def test_explain_raises_what_attention_raises(operands, options, error, sentence):
    with pytest.raises(error, match=sentence):
        attend.explain(*operands(), **options)


def test_an_instruction_set_of_another_machine_is_refused(operands):
    missing = {"avx512", "avx2", "sse4", "neon"} - set(attend.isas())
    for isa in missing:
        for call in (attend.attention, attend.explain):
            with pytest.raises(TypeError, match=f"isa {isa} is not available here; this machine has .*scalar"):
                call(*operands(), isa=isa)


def test_float64_runs_on_plain_loops_only(operands):
    q, k, v = operands(dtype=np.float64)
    assert np.array_equal(attend.attention(q, k, v, isa="scalar"), attend.attention(q, k, v))
    for isa in attend.isas()[:-1]:
        with pytest.raises(TypeError, match=f"isa {isa} has no float64 kernel"):
            attend.attention(q, k, v, isa=isa)


def test_arrays_that_are_none_are_named(operands):
    q, k, v = operands()
    for bad in (None, [[1.0]], 3.0, "array"):
        with pytest.raises(TypeError, match=f"key is {type(bad).__name__}, but must be an array"):
            attend.attention(q, bad, v)
    with pytest.raises(TypeError, match="query is int64, but must be float32, bfloat16, float16 or float64"):
        attend.attention(q.astype(np.int64), k, v)
    with pytest.raises(TypeError, match="query is ndarray.*byte order"):
        attend.attention(q.astype(">f4"), k, v)
    with pytest.raises(TypeError, match="query is int8"):
        attend.attention(q.astype(np.int8), k.astype(np.int8), v.astype(np.int8))


def test_shapes_that_disagree_are_named(operands):
    q, k, v = operands()
    for arrays, sentence in [
        ((q[0], k, v), r"query has 3 axes, but must have 4: \[batch, heads, tokens, width\]"),
        ((q, k, v[..., 0]), "value has 3 axes"),
        ((q, k[:1], v), "key axis B is 1, but query axis B is 2"),
        ((q[:, :3], k, v), "query axis Hq is 3, but must be a multiple of key axis Hkv, which is 2"),
        ((q, k, v[:, :, :6]), "value axis Tk is 6, but key axis Tk is 7"),
        ((q, k[..., :7], v), "key axis D is 7, but query axis D is 8"),
        ((q[..., ::2], k[..., ::2], v), "query axis D has stride 2, but its rows must be contiguous"),
        ((q, k.astype(np.float64), v), "key is float64, but query is float32"),
        ((q[..., :0], k[..., :0], v), r"query axis D is 0, but must be in 1\.\.1024"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            attend.attention(*arrays)
    with pytest.raises(ValueError, match=r"\[batch, tokens, heads, width\]"):
        attend.attention(q[0], k, v, layout="bthd")


def test_a_result_that_cannot_be_written_is_refused():
    frozen = np.zeros(3, dtype=np.float32)
    frozen.flags.writeable = False
    with pytest.raises(TypeError, match="output is ndarray, but must be an array that can be written to"):
        attend._attend.Array(frozen, "output", writable=True)


OWN = {"q", "k", "v", "return_lse", "return_weights"}
def test_an_option_that_there_is_not_is_refused_as_none_too(operands):
    with pytest.raises(TypeError, match='there is no option "foo"'):
        attend.explain(*operands(), foo=None)


NAMES = sorted(set(inspect.signature(attend.attention).parameters) - OWN)


@pytest.mark.parametrize("name", NAMES)
def test_no_option_is_ignored(operands, name):
    q, k, v = operands()
    out, lse = attend.attention(q, k, v, return_lse=True)
    senseless = {name: object()}
    for call in (
        lambda: attend.attention(q, k, v, **senseless),
        lambda: attend.attention_backward(out, q, k, v, out, lse, **senseless),
        lambda: attend.explain(q, k, v, **senseless),
    ):
        with pytest.raises((TypeError, ValueError), match=name):
            call()


def test_options_have_types():
    typed = set(attend._attention.Options.__annotations__)
    assert typed == set(NAMES) - {"threads"}
