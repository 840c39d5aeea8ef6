import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

import attend  # noqa: E402
import attend.torch  # noqa: E402


def randn(*shape, dtype=torch.float32):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def assert_like_pytorch(q, k, v, **options):
    """Output and gradients within some float32 roundings of PyTorch's, both of values near 1."""
    out = attend.torch.scaled_dot_product_attention(q, k, v, **options)
    expected = F.scaled_dot_product_attention(q, k, v, **options)
    assert out.shape == expected.shape and out.dtype == expected.dtype
    dout = torch.randn_like(expected)
    gradients = torch.autograd.grad(out, (q, k, v), dout)
    expected_gradients = torch.autograd.grad(expected, (q, k, v), dout)
    for a, b in zip((out, *gradients), (expected, *expected_gradients)):
        assert a.shape == b.shape
        assert ((a - b).abs() <= 1e-5).all()


@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (2, 2, 3), (2, 1, 2, 3)])
def test_any_number_of_leading_axes(leading):
    torch.manual_seed(1)
    assert_like_pytorch(randn(*leading, 9, 16), randn(*leading, 7, 16), randn(*leading, 7, 5))


def test_leading_axes_broadcast():
    torch.manual_seed(2)
    assert_like_pytorch(randn(5, 2, 4, 9, 16), randn(2, 4, 7, 16), randn(5, 1, 4, 7, 8))
    assert_like_pytorch(randn(2, 4, 9, 16), randn(2, 1, 7, 16), randn(2, 1, 7, 8))


def test_causal_and_scale():
    torch.manual_seed(3)
    assert_like_pytorch(randn(2, 4, 9, 16), randn(2, 4, 9, 16), randn(2, 4, 9, 16), is_causal=True)
    assert_like_pytorch(randn(2, 4, 5, 16), randn(2, 4, 9, 16), randn(2, 4, 9, 16), is_causal=True, scale=0.3)


@pytest.mark.parametrize("q, k", [((2, 3, 0, 8), (2, 3, 5, 8)), ((2, 3, 4, 8), (2, 3, 0, 8)), ((0, 3, 4, 8), (0, 3, 5, 8))])
@pytest.mark.parametrize("leading", [(), (2,)])
def test_tensors_without_elements(q, k, leading):
    q, k = (*leading, *q), (*leading, *k)
    masked = dict(attn_mask=torch.ones(*q[:-1], k[-2], dtype=torch.bool))
    for options in ({}, masked, dict(is_causal=True), dict(enable_gqa=True)):
        assert_like_pytorch(randn(*q), randn(*k), randn(*k), **options)
    for mask in (torch.zeros(q[-2], k[-2]), torch.zeros(*q[:-1], k[-2])):
        assert_like_pytorch(randn(*q), randn(*k), randn(*k), attn_mask=mask)


def test_grouped_queries():
    torch.manual_seed(4)
    assert_like_pytorch(randn(2, 6, 9, 16), randn(2, 2, 7, 16), randn(2, 2, 7, 8), enable_gqa=True)


@pytest.mark.parametrize("shape", [(9, 7), (4, 9, 7), (2, 1, 9, 7), (2, 4, 1, 7), (2, 4, 9, 1)])
def test_boolean_masks_broadcast(shape):
    torch.manual_seed(5)
    mask = torch.rand(shape) < 0.7
    mask[..., 0] = True  # PyTorch has no numbers for a query that sees nothing
    if shape[-1] == 1:
        mask[:] = True
    assert_like_pytorch(randn(2, 4, 9, 16), randn(2, 4, 7, 16), randn(2, 4, 7, 8), attn_mask=mask)


def test_boolean_masks_with_many_leading_axes():
    torch.manual_seed(6)
    for shape in ((3, 2, 4, 9, 7), (3, 2, 1, 9, 7), (2, 1, 9, 7), (9, 7)):
        mask = torch.rand(shape) < 0.7
        mask[..., 0] = True
        assert_like_pytorch(randn(3, 2, 4, 9, 16), randn(3, 2, 4, 7, 16), randn(3, 2, 4, 7, 8), attn_mask=mask)


@pytest.mark.parametrize("shape", [(1, 4, 9, 7), (1, 1, 9, 7), (1, 1, 1, 7)])
def test_a_mask_may_have_a_batch_axis_that_the_operands_lack(shape):
    torch.manual_seed(14)
    seen = torch.rand(shape) < 0.7
    seen[..., 0] = True
    for mask in (seen, torch.randn(shape)):
        assert_like_pytorch(randn(4, 9, 16), randn(4, 7, 16), randn(4, 7, 8), attn_mask=mask)
    with pytest.raises(ValueError, match="bias axis B is 2"):
        attend.torch.scaled_dot_product_attention(randn(4, 9, 16), randn(4, 7, 16), randn(4, 7, 8), torch.zeros(2, 1, 9, 7))


@pytest.mark.parametrize("shape", [(9, 7), (4, 9, 7), (2, 1, 9, 7), (2, 4, 1, 7), (2, 4, 9, 7)])
def test_numbers_in_a_mask_are_added_and_learn(shape):
    torch.manual_seed(10)
    q, k, v = randn(2, 4, 9, 16), randn(2, 4, 7, 16), randn(2, 4, 7, 8)
    mask = randn(*shape)
    out = attend.torch.scaled_dot_product_attention(q, k, v, mask)
    # PyTorch's own gradient of a mask, by plain operations: its fused kernels have none on the CPU.
    expected = torch.softmax(q @ k.transpose(2, 3) / 4 + mask, -1) @ v
    dout = torch.randn_like(out)
    for a, b in zip(
        (out, *torch.autograd.grad(out, (q, k, v, mask), dout)),
        (expected, *torch.autograd.grad(expected, (q, k, v, mask), dout)),
    ):
        assert a.shape == b.shape and ((a - b).abs() <= 1e-5).all()


def test_minus_infinity_in_a_mask_masks():
    torch.manual_seed(11)
    seen = torch.rand(9, 7) < 0.7
    seen[:, 0] = True
    mask = torch.zeros(9, 7).masked_fill(~seen, -torch.inf)
    q, k, v = (torch.randn(2, 3, t, 8) for t in (9, 7, 7))
    call = attend.torch.scaled_dot_product_attention
    assert torch.equal(call(q, k, v, mask), call(q, k, v, seen))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_least_finite_number_in_a_mask_is_added(dtype):
    torch.manual_seed(13)
    q, k, v = (torch.randn(2, 3, t, 8).to(dtype) for t in (9, 7, 7))
    mask = torch.zeros(9, 7, dtype=dtype).masked_fill(torch.rand(9, 7) < 0.3, torch.finfo(dtype).min)
    mask[4] = torch.finfo(dtype).min  # a row of padding: the mean of the values
    out = attend.torch.scaled_dot_product_attention(q, k, v, mask)
    expected = torch.softmax(q.float() @ k.float().transpose(2, 3) / 8**0.5 + mask.float(), -1) @ v.float()
    assert torch.allclose(out.float(), expected, atol=2e-6 if dtype == torch.float32 else 0.02)


def test_dropout_is_seeded_by_pytorch_and_keeps_its_gradient():
    q, k, v = (randn(1, 2, t, 4, dtype=torch.float64) for t in (3, 5, 5))

    def call(q, k, v):
        torch.manual_seed(12)
        return attend.torch.scaled_dot_product_attention(q, k, v, dropout_p=0.3)

    assert torch.equal(call(q, k, v), call(q, k, v))
    assert not torch.equal(call(q, k, v), attend.torch.scaled_dot_product_attention(q, k, v, dropout_p=0.3))
    assert torch.autograd.gradcheck(call, (q, k, v))


def test_dropout_of_everything():
    q, k, v = randn(2, 4, 9, 16), randn(2, 4, 7, 16), randn(2, 4, 7, 8)
    assert_like_pytorch(q, k, v, dropout_p=1.0)
    assert_like_pytorch(q, k, v, dropout_p=1.0, attn_mask=torch.ones(9, 7, dtype=torch.bool))


def test_gradients_by_finite_differences():
    torch.manual_seed(7)
    operands = [randn(1, 2, 3, 4, dtype=torch.float64), randn(1, 1, 5, 4, dtype=torch.float64)]
    operands.append(randn(1, 1, 5, 2, dtype=torch.float64))
    mask = torch.rand(3, 5) < 0.8
    assert torch.autograd.gradcheck(
        lambda q, k, v: attend.torch.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True), operands
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bits_forward_and_backward(dtype):
    torch.manual_seed(13)
    operands = [torch.randn(2, 4, t, 16).to(dtype) for t in (9, 7, 7)]
    narrow, wide = ([t.clone().requires_grad_() for t in operands], [t.float().requires_grad_() for t in operands])
    out = attend.torch.scaled_dot_product_attention(*narrow)
    expected = F.scaled_dot_product_attention(*wide)
    dout = torch.randn_like(expected).to(dtype)
    gradients = torch.autograd.grad(out, narrow, dout)
    expected_gradients = torch.autograd.grad(expected, wide, dout.float())
    for a, b in zip((out, *gradients), (expected, *expected_gradients)):
        assert a.dtype == dtype
        # Values up to 4, rounded to the type, and gradients through an output that was.
        assert ((a.float() - b).abs() <= 8 * torch.finfo(dtype).eps).all()


def test_only_the_gradients_that_are_needed():
    torch.manual_seed(8)
    q, k, v = randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4), randn(1, 2, 5, 4)
    attend.torch.scaled_dot_product_attention(q, k, v).sum().backward()  # an expanded gradient
    assert q.grad is not None and v.grad is not None and k.grad is None


def test_no_graph_without_gradients():
    q, k, v = randn(1, 2, 3, 4), randn(1, 2, 5, 4), randn(1, 2, 5, 4)
    with torch.no_grad():
        assert not attend.torch.scaled_dot_product_attention(q, k, v).requires_grad


def test_rows_that_are_not_contiguous_are_copied():
    torch.manual_seed(9)
    q = torch.randn(2, 4, 16, 9).transpose(2, 3).requires_grad_()
    assert_like_pytorch(q, randn(2, 4, 7, 16), randn(2, 4, 7, 16))


def test_a_query_that_sees_nothing_gets_zeros_and_no_gradient():
    q, k, v = randn(1, 1, 3, 4), randn(1, 1, 5, 4), randn(1, 1, 5, 4)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1] = False
    out = attend.torch.scaled_dot_product_attention(q, k, v, mask)
    out.sum().backward()
    assert (out[0, 0, 1] == 0).all() and (q.grad[0, 0, 1] == 0).all()


def test_what_is_not_offered_is_refused():
    q = torch.randn(1, 2, 3, 4)
    call = attend.torch.scaled_dot_product_attention
    with pytest.raises(ValueError, match="dropout is 1.5"):
        call(q, q, q, dropout_p=1.5)
    with pytest.raises(ValueError, match="bias axis Tk is 4"):
        call(q, q, q, torch.zeros(3, 4))
    with pytest.raises(ValueError, match="only one of them"):
        call(q, q, q, torch.ones(3, 3, dtype=torch.bool), is_causal=True)
    with pytest.raises(ValueError, match="query has 1 axes"):
        call(q[0, 0, 0], q, q)
    with pytest.raises(ValueError, match="query has 3 heads, key 2 and value 2"):
        call(torch.randn(1, 3, 3, 4), q, q, enable_gqa=True)
    with pytest.raises(TypeError, match="query is Tensor"):
        call(q.to("meta"), q.to("meta"), q.to("meta"))


def test_tensors_come_back_as_tensors():
    q, k, v = (torch.randn(1, 2, 3, 4) for _ in range(3))
    results = attend.attention(q, k, v, return_lse=True, return_weights=True)
    assert all(isinstance(r, torch.Tensor) for r in results)
    expected = attend.attention(q.numpy(), k.numpy(), v.numpy())
    assert np.array_equal(results[0].numpy(), expected)
    assert attend.attention(q, k, v, kv_lengths=torch.tensor([2])).shape == q.shape


def test_a_gradient_that_would_be_lost_is_an_error():
    q, k, v = randn(1, 2, 3, 4), torch.randn(1, 2, 3, 4), torch.randn(1, 2, 3, 4)
    with pytest.raises(ValueError, match="query requires grad"):
        attend.attention(q, k, v)
    with torch.no_grad():
        attend.attention(q, k, v)
    attend.attention(q.detach(), k, v)


def test_results_are_where_the_operands_are():
    torch.manual_seed(15)
    q, k, v = (torch.randn(1, 2, 3, 4) for _ in range(3))
    expected = attend.attention(q, k, v)
    with torch.device("meta"):  # the device of tensors that are made without saying where
        assert torch.equal(attend.attention(q, k, v), expected)
        dropped = attend.torch.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
    assert dropped.device == q.device


def test_tensors_that_stand_for_their_negative():
    """PyTorch has them where complex numbers are conjugated: their memory holds the negative."""
    torch.manual_seed(16)
    negative = [torch.randn(1, 2, 3, 4, dtype=torch.complex64).conj().imag for _ in range(3)]
    bias = torch.randn(3, 3, dtype=torch.complex64).conj().imag
    assert all(x.is_neg() for x in (*negative, bias))
    q, k, v = (x.resolve_neg().contiguous() for x in negative)
    # Rows must be contiguous, as those of an imaginary part are not.
    views = [torch._neg_view(-x) for x in (q, k, v)]
    expected = attend.attention(q, k, v, bias=bias.resolve_neg().contiguous())
    assert torch.equal(attend.attention(*views, bias=bias), expected)
    with pytest.raises(ValueError, match="cache key stands for the negative of its memory"):
        attend.kv_append(k, v, attend.KVPages(torch._neg_view(k), v, [0]))


def test_numbers_of_tensors_are_named():
    q = torch.randn(1, 2, 3, 4)
    with pytest.raises(TypeError, match="query_offset must be a sequence of integers"):
        attend.attention(q, q, q, query_offset=torch.tensor(0.5))
