"""The node cases of ONNX's Attention (opset 23 and later), as the onnx package makes them."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

import attend  # noqa: E402

# What qk_matmul_output_mode 0 to 2 gives out: the scores before softmax, which attend never stores.
SCORES = "its output qk_matmul_output is the scores, which are never stored"
EXCEPTIONS = {
    "test_attention_3d_with_past_and_present_qk_matmul": SCORES,
    "test_attention_3d_with_past_and_present_qk_matmul_bias": SCORES,
    "test_attention_3d_with_past_and_present_qk_matmul_softcap": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul_bias": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask": SCORES,
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal": SCORES,
    "test_attention_4d_with_qk_matmul": SCORES,
    "test_attention_4d_with_qk_matmul_bias": SCORES,
    "test_attention_4d_with_qk_matmul_softcap": SCORES,
}


def node_cases():
    # A module of cases makes them as it is imported; of all modules only this one is.
    from onnx.backend.test.case import node

    node._NodeTestCases.clear()
    from onnx.backend.test.case.node import attention  # noqa: F401

    return {c.name: c for c in node._NodeTestCases if not c.name.endswith("_expanded")}


CASES = node_cases()


def split(x, heads):
    """[B, T, H * D] as [B, H, T, D], in place; what has four axes as it is."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def padded(mask, Tk):
    """Keys that a mask does not reach are not seen."""
    missing = [(0, 0)] * (mask.ndim - 1) + [(0, Tk - mask.shape[-1])]
    return np.pad(mask, missing, constant_values=False if mask.dtype == bool else -np.inf)


def standing(named, q, past):
    """Where query 0 stands: after the past, or at the end of a cache that is kept outside."""
    lengths = named.get("nonpad_kv_seqlen")
    return lengths - q.shape[2] if lengths is not None else past


def run(node, inputs):
    """Attention by attend, as ONNX says: its outputs by name. present_* are concatenations, not attention."""
    named = dict(zip([n for n in node.input if n], inputs))
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    q = split(named["Q"], attributes.get("q_num_heads"))
    k, v = (split(named[n], attributes.get("kv_num_heads")) for n in "KV")
    past = named["past_key"].shape[2] if "past_key" in named else 0
    if past:
        k = np.concatenate([named["past_key"], k], 2)
        v = np.concatenate([named["past_value"], v], 2)
    options = {"scale": attributes.get("scale"), "softcap": attributes.get("softcap", 0.0)}
    if "attn_mask" in named:
        mask = padded(named["attn_mask"], k.shape[2])
        options |= {"mask": mask} if mask.dtype == bool else {"bias": mask.astype(np.float32)}
    if attributes.get("is_causal", 0):
        options["causal"] = True
    window = attributes.get("left_window_size", -1), attributes.get("right_window_size", -1)
    out, weights = attend.attention(
        q, k, v, query_offset=standing(named, q, past), window=window, return_weights=True,
        kv_lengths=named.get("nonpad_kv_seqlen"), **options,
    )
    if named["Q"].ndim == 3:
        out = out.swapaxes(1, 2).reshape(*named["Q"].shape[:2], -1)
    return {"Y": out, "present_key": k, "present_value": v, "qk_matmul_output": weights.astype(out.dtype)}


def widened(inputs):
    """NumPy cannot hand bfloat16 on; float32 holds the same numbers."""
    return [x.astype(np.float32) if x.dtype.name == "bfloat16" else x for x in inputs]


@pytest.mark.parametrize("name", sorted(set(CASES) - set(EXCEPTIONS)))
def test_case(name):
    case = CASES[name]
    (node,) = case.model.graph.node
    ((inputs, outputs),) = case.data_sets
    results = run(node, widened(inputs))
    wide = any(x.dtype.name == "bfloat16" for x in inputs)
    for output, expected in zip([n for n in node.output if n], outputs):
        result = results[output]
        assert result.shape == expected.shape
        if not wide:
            assert result.dtype == expected.dtype
        # The case's own tolerance; the expected bfloat16 numbers were rounded after every step.
        np.testing.assert_allclose(
            result.astype(np.float64), expected.astype(np.float64), rtol=2e-2 if wide else case.rtol,
            atol=2e-2 if wide else 1e-3 if expected.dtype == np.float16 else case.atol,
        )


def test_there_are_cases_and_each_exception_is_one():
    assert len(CASES) > 80
    assert set(EXCEPTIONS) <= set(CASES)


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_an_exception_asks_for_scores(name):
    (node,) = CASES[name].model.graph.node
    mode = {a.name: a.i for a in node.attribute}.get("qk_matmul_output_mode", 0)
    assert "qk_matmul_output" in node.output and mode < 3
