import numpy as np
import plain
import pytest
from test_attention import OPTIONS

import attend


def backward(q, k, v, **options):
    out, lse = attend.attention(q, k, v, return_lse=True, **options)
    dout = np.random.default_rng(7).standard_normal(out.shape).astype(out.dtype)
    return dout, attend.attention_backward(dout, q, k, v, out, lse, **options)


def assert_gradients(results, expected, dtype=np.float32):
    for result, gradient in zip(results, (expected.q, expected.k, expected.v)):
        assert result.dtype == dtype and result.shape == gradient.shape
        assert np.all(np.abs(result - gradient) <= 200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("isa", attend.isas())
def test_gradients_are_those_of_plain_attention(operands, isa):
    q, k, v = operands(Tq=33, Tk=40)
    dout, gradients = backward(q, k, v, isa=isa)
    assert_gradients(gradients, plain.gradients(dout, q, k, v))


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
def test_gradients_know_the_options(operands, options):
    q, k, v = operands(Tq=5, Tk=9)
    dout, gradients = backward(q, k, v, **options)
    assert_gradients(gradients, plain.gradients(dout, q, k, v, **options))


@pytest.mark.parametrize("shape", [(9,), (5, 1), (4, 5, 9), (2, 1, 5, 9), (1, 4, 1, 9), (2, 4, 5, 9)])
def test_a_bias_has_a_gradient_of_its_shape(operands, shape):
    q, k, v = operands(Tq=5, Tk=9)
    bias = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    out, lse = attend.attention(q, k, v, bias=bias, return_lse=True)
    *_, dbias = attend.attention_backward(out, q, k, v, out, lse, bias=bias, return_dbias=True)
    expected = plain.gradients(out, q, k, v, bias=bias).bias
    full = (1,) * (4 - len(shape)) + shape
    summed = tuple(a for a in range(4) if full[a] == 1)
    assert dbias.shape == shape
    assert np.all(np.abs(dbias - expected.sum(summed, keepdims=True).reshape(shape)) <= 200 * np.finfo(np.float32).eps)


def test_sinks_have_a_gradient(operands):
    q, k, v = operands()
    sinks = np.array([0.5, -1.0, 2.0, -np.inf], dtype=np.float32)
    out, lse = attend.attention(q, k, v, sinks=sinks, return_lse=True)
    gradients = attend.attention_backward(out, q, k, v, out, lse, sinks=sinks, return_dsinks=True)
    expected = plain.gradients(out, q, k, v, sinks=sinks)
    assert_gradients(gradients, expected)
    assert gradients[3].shape == (4,)
    assert np.all(np.abs(gradients[3] - expected.sinks) <= 200 * np.finfo(np.float32).eps)


def test_gradients_are_those_of_the_weights_that_dropout_kept(operands):
    q, k, v = operands(Tq=9, Tk=12)
    options = dict(dropout=0.4, seed=5, causal="lower_right")
    unit = np.broadcast_to(np.eye(12, dtype=np.float32), (2, 2, 12, 12))
    keep = np.where(attend.attention(q, k, unit, **options) != 0, 1 / 0.6, 0)
    dout, gradients = backward(q, k, v, **options)
    assert_gradients(gradients, plain.gradients(dout, q, k, v, causal="lower_right", keep=keep))


@pytest.mark.parametrize("isa", attend.isas())
def test_16_bit_gradients_are_those_of_float32_rounded_once(operands, isa):
    q, k, v = operands(Tq=33, Tk=40, dtype=np.float16)
    out, lse = attend.attention(q, k, v, return_lse=True, isa=isa)
    dout = np.random.default_rng(7).standard_normal(out.shape).astype(np.float16)
    gradients = attend.attention_backward(dout, q, k, v, out, lse, isa=isa)
    wide = [x.astype(np.float32) for x in (dout, q, k, v, out)]
    for gradient, exact in zip(gradients, attend.attention_backward(*wide, lse, isa=isa)):
        assert gradient.dtype == np.float16
        assert np.array_equal(gradient, exact.astype(np.float16))


def test_a_gradient_of_nothing_is_an_error(operands):
    q, k, v = operands()
    out, lse = attend.attention(q, k, v, return_lse=True)
    for name in ("bias", "sinks"):
        with pytest.raises(ValueError, match=f"return_d{name} is True, but {name} is None"):
            attend.attention_backward(out, q, k, v, out, lse, **{f"return_d{name}": True})


def test_gradients_in_float64(operands):
    q, k, v = operands(dtype=np.float64)
    dout, gradients = backward(q, k, v)
    assert_gradients(gradients, plain.gradients(dout, q, k, v), np.float64)


def test_gradients_come_in_the_layout_of_the_operands(operands):
    q, k, v = operands()
    dout, expected = backward(q, k, v)
    swapped = [np.ascontiguousarray(x.swapaxes(1, 2)) for x in (q, k, v)]
    out, lse = attend.attention(*swapped, layout="bthd", return_lse=True)
    dout = np.ascontiguousarray(dout.swapaxes(1, 2))
    gradients = attend.attention_backward(dout, *swapped, out, lse, layout="bthd")
    for gradient, one in zip(gradients, expected):
        assert np.array_equal(gradient.swapaxes(1, 2), one)


def test_a_masked_nan_never_reaches_a_gradient(operands):
    q, k, v = operands()
    k[1, :, 3:], v[1, :, 3:] = np.nan, np.inf
    dout, gradients = backward(q, k, v, kv_lengths=[7, 3])
    assert_gradients(gradients, plain.gradients(dout, q, k, v, kv_lengths=[7, 3]))
    assert np.all(gradients[1][1, :, 3:] == 0) and np.all(gradients[2][1, :, 3:] == 0)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_number_of_threads(operands, threads):
    q, k, v = operands(Tq=150, Tk=200)
    _, some = backward(q, k, v, threads=threads)
    _, all_of_them = backward(q, k, v)
    assert all(np.array_equal(a, b) for a, b in zip(some, all_of_them))


def test_what_forward_made_has_to_fit(operands):
    q, k, v = operands()
    out, lse = attend.attention(q, k, v, return_lse=True)
    with pytest.raises(ValueError, match="output_gradient axis Tq is 4, but query axis Tq is 5"):
        attend.attention_backward(out[:, :, :4], q, k, v, out, lse)
    with pytest.raises(ValueError, match="lse has 4 axes, but must have 3"):
        attend.attention_backward(out, q, k, v, out, lse[..., None])
    with pytest.raises(ValueError, match="lse axis B is 1, but query axis B is 2"):
        attend.attention_backward(out, q, k, v, out, lse[:1])
