"""attend.nn, where the package was built with it; and what is said where it was not."""

import ast
import copy
import importlib.util
import json
import pickle
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

BUILT = importlib.util.find_spec("attend._nn") is not None
needs_nn = pytest.mark.skipif(not BUILT, reason="built for the engine alone")
if BUILT:
    import attend.nn

SCORES = ("tanh", "dot", "scaled_dot", "general", "additive")
GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "attention_modules.safetensors"


def golden():
    """The tensors of a safetensors file: a length, a JSON header, the bytes."""
    data = GOLDEN.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    types = {"F32": np.float32, "F64": np.float64}
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def make(score, weights="softmax", projected=False, dtype="float64"):
    key = 6 if projected else 9
    query = key if "dot" in score else 5
    extra = {"key_projection": 6, "value_projection": 10} if projected else {}
    if score == "additive":
        extra["hidden"] = 17
    return attend.nn.AttentionModule(score, query, 9, 11, weights=weights, dtype=dtype, **extra)


def operands(module, B=2, Tq=3, Tk=7, dtype=np.float64):
    random = np.random.default_rng(5)
    query = module.parameters["query.weight"].shape[1] if "query.weight" in module.parameters else None
    if query is None:
        query = module.parameters["key.weight"].shape[0] if "key.weight" in module.parameters else 9
    shapes = (B, Tq, query), (B, Tk, 9), (B, Tk, 11)
    return tuple(random.standard_normal(shape).astype(dtype) for shape in shapes)


def plain(module, score, weights, query, key, value, seen):
    """The formulas, in NumPy."""
    p = module.parameters
    linear = lambda name, x: x @ p[f"{name}.weight"].T + p.get(f"{name}.bias", 0)  # noqa: E731
    k = linear("key", key) if "key.weight" in p else key
    v = linear("value", value) if "value.weight" in p else value
    if score == "additive":
        hidden = np.tanh(linear("query", query)[:, :, None] + linear("compare", k)[:, None])
        s = hidden @ p["score.weight"]
    else:
        q = linear("query", query) if "query.weight" in p else query
        q = np.tanh(q) if score == "tanh" else q
        s = np.einsum("bid,bjd->bij", q, k) / (np.sqrt(k.shape[-1]) if score == "scaled_dot" else 1)
    if weights == "softmax":
        power = np.where(seen, np.exp(s - s.max(-1, keepdims=True)), 0)
        w = power / np.maximum(power.sum(-1, keepdims=True), 1e-300)
    else:
        w = np.where(seen, s, 0)
    return w @ v, w


def test_a_package_without_it_says_so_in_one_sentence():
    hide = (
        "import sys; sys.modules['attend._nn'] = None; import attend\n"
        "try: import attend.nn\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", hide], check=True, capture_output=True, text=True).stdout
    assert said.startswith("attend.nn needs the part of the package that is built with oneDNN")
    assert said.count("\n") == 1


@needs_nn
def test_the_stub_names_what_the_extension_has():
    stub = ast.parse((Path(attend.__file__).parent / "_nn.pyi").read_text())
    named = {n.name for n in stub.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")}
    assert named == {n for n in dir(attend._nn) if not n.startswith("_")}


@needs_nn
@pytest.mark.parametrize("weights", ("softmax", "raw"))
@pytest.mark.parametrize("projected", (False, True))
@pytest.mark.parametrize("score", SCORES)
def test_every_kind_is_its_formula(score, weights, projected):
    module = make(score, weights, projected)
    q, k, v = operands(module)
    expected, expected_weights = plain(module, score, weights, q, k, v, True)
    out, seen = module(q, k, v, return_weights=True)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(seen, expected_weights, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(module(q, k, v), out)


@needs_nn
@pytest.mark.parametrize("weights", ("softmax", "raw"))
@pytest.mark.parametrize("score", SCORES)
def test_padding_is_not_read_and_masks_select(score, weights):
    module = make(score, weights, projected=True)
    q, k, v = operands(module)
    mask = np.random.default_rng(2).random((2, 3, 7)) < 0.6
    mask[0, 1] = mask[1, :, 2] = False
    seen = mask & (np.arange(7) < np.array([4, 7])[:, None, None])
    expected, expected_weights = plain(module, score, weights, q, k, v, seen)
    k[0, 4:], v[0, 4:] = np.nan, np.inf
    k[1, 2], v[1, 2] = np.nan, np.nan
    out, w = module(q, k, v, key_lengths=[4, 7], mask=mask, return_weights=True)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(w, expected_weights, rtol=1e-12, atol=1e-12)
    assert not out[0, 1].any() and not w[0, 1].any()
    any_byte = (mask * np.uint8(254)).view(bool)
    assert np.array_equal(module(q, k, v, key_lengths=[4, 7], mask=any_byte), out)
    gradients = module.backward(np.ones_like(out), q, k, v, key_lengths=[4, 7], mask=mask)
    for name, array in [("query", gradients.query), *gradients.parameters.items()]:
        assert np.isfinite(array).all(), name
    assert not gradients.key[0, 4:].any() and not gradients.value[1, 2].any()


@needs_nn
@pytest.mark.parametrize("weights", ("softmax", "raw"))
@pytest.mark.parametrize("projected", (False, True))
@pytest.mark.parametrize("score", SCORES)
def test_gradients_are_those_of_differences(score, weights, projected):
    module = make(score, weights, projected)
    q, k, v = operands(module, B=2, Tq=2, Tk=3)
    lengths = [3, 2]
    dout = np.random.default_rng(9).standard_normal((2, 2, module.value_width))
    gradients = module.backward(dout, q, k, v, key_lengths=lengths)
    pairs = [(q, gradients.query), (k, gradients.key), (v, gradients.value)]
    pairs += [(module.parameters[name], array) for name, array in gradients.parameters.items()]
    for array, gradient in pairs:
        for index in np.random.default_rng(1).integers(0, array.size, 12):
            at, step, kept = np.unravel_index(index, array.shape), 1e-5, None
            kept = array[at]
            sums = []
            for sign in (1, -1):
                array[at] = kept + sign * step
                sums.append((dout * module(q, k, v, key_lengths=lengths)).sum())
            array[at] = kept
            assert gradient[at] == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-5, abs=1e-7)


@needs_nn
def test_raw_tanh_is_the_classic_snippet():
    """query = nn.Linear(128, 128); weights = tanh(query(x)) @ keys.T; out = weights @ values"""
    g = golden()
    module = attend.nn.AttentionModule("tanh", 128, 128, weights="raw")
    for name, array in module.parameters.items():
        array[...] = g[f"snippet.{name}"]
    out, weights = module(g["snippet.x"], g["snippet.keys"], g["snippet.values"], return_weights=True)
    assert weights.shape == (1, 100) and out.shape == (1, 128) and out.dtype == np.float32
    np.testing.assert_allclose(weights, g["snippet.weights"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(out, g["snippet.out"], rtol=1e-4, atol=1e-4)


@needs_nn
def test_any_strides_and_any_number_of_threads_give_the_same_bits():
    for score in SCORES:
        module = make(score, dtype="float32")
        q, k, v = operands(module, dtype=np.float32)
        out = module(q, k, v, threads=1)
        strided = np.asfortranarray(q), np.repeat(k, 2, axis=1)[:, ::2], np.ascontiguousarray(v[:, ::-1])[:, ::-1]
        np.testing.assert_array_equal(module(*strided, threads=2), out)


@needs_nn
def test_threads_may_share_a_module():
    module = make("additive", dtype="float32")
    q, k, v = operands(module, Tq=40, Tk=50, dtype=np.float32)
    dout = np.ones((2, 40, 11), np.float32)
    alone = module.backward(dout, q, k, v)
    found = [None] * 4

    def work(i):
        found[i] = module.backward(dout, q, k, v)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for gradients in found:
        np.testing.assert_array_equal(gradients.key, alone.key)
        for name, array in alone.parameters.items():
            np.testing.assert_array_equal(gradients.parameters[name], array)


@needs_nn
def test_parameters_outlive_their_module():
    parameters = make("tanh").parameters
    before = parameters["query.weight"].copy()
    make("tanh")
    np.testing.assert_array_equal(parameters["query.weight"], before)


@needs_nn
def test_a_parameter_is_written_into_and_not_replaced():
    module = make("tanh", "raw")
    with pytest.raises(TypeError):
        module.parameters["query.weight"] = np.zeros((9, 5))
    q, k, v = operands(module)
    assert module(q, k, v).any()
    module.parameters["query.weight"][...] = 0
    module.parameters["query.bias"][...] = 0
    assert not module(q, k, v).any()


@needs_nn
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_computes_the_same_with_parameters_of_its_own(copied, dtype):
    module = make("additive", "raw", projected=True, dtype=dtype)
    for array in module.parameters.values():
        array[...] += 0.25
    q, k, v = operands(module, dtype=dtype)
    expected = module(q, k, v)
    other = copied(module)
    assert (other.dtype, other.value_width) == (module.dtype, module.value_width)
    np.testing.assert_array_equal(other(q, k, v), expected)
    assert list(other.parameters) == list(module.parameters)
    for name, array in module.parameters.items():
        assert not np.shares_memory(other.parameters[name], array)
        other.parameters[name][...] = 0
    np.testing.assert_array_equal(module(q, k, v), expected)
    assert not other(q, k, v).any()
    with pytest.raises(TypeError):
        other.parameters["query.weight"] = array


@needs_nn
def test_pytorch_tensors_come_and_go():
    torch = pytest.importorskip("torch")
    module = make("general", dtype="float32")
    q, k, v = (torch.from_numpy(x) for x in operands(module, dtype=np.float32))
    out = module(q, k, v)
    assert isinstance(out, torch.Tensor)
    with pytest.raises(ValueError, match="key requires grad, which attend.nn does not record"):
        module(q, k.requires_grad_(), v)


@needs_nn
@pytest.mark.parametrize(
    "call, kind, words",
    [
        (lambda: attend.nn.AttentionModule("cosine", 3, 3), ValueError, 'score is "cosine"'),
        (lambda: attend.nn.AttentionModule("dot", 7, 5), ValueError, "query width is 7, but the keys"),
        (lambda: attend.nn.AttentionModule("dot", 5, 5, hidden=4), ValueError, "hidden is 4, but only additive"),
        (lambda: attend.nn.AttentionModule("dot", 5, 5, weights="mean"), ValueError, 'weights is "mean"'),
        (lambda: attend.nn.AttentionModule("dot", 5, 5, dtype="int8"), ValueError, "dtype is 'int8'"),
        (lambda: attend.nn.AttentionModule("dot", 5, 5, key_projection=0), ValueError, "key_projection is 0"),
        (lambda: attend.nn.AttentionModule("general", 5, 0), ValueError, "key_width is 0, but must be in 1..65536"),
        (lambda: attend.nn.AttentionModule("dot", 5, 5, seed=-1), ValueError, "seed is -1"),
        (lambda: attend.nn.AttentionModule("dot", 2**70, 5), ValueError, "query_width is 1180591620717411303424"),
        (lambda: attend.nn.AttentionModule(3, 5, 5), TypeError, "score is int, but must be a string"),
        (lambda: attend.nn.AttentionModule("dot", "5", 5), TypeError, "query_width is str, but must be an integer"),
    ],
)
def test_a_wrong_module_is_named(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


@needs_nn
def test_wrong_operands_are_named_with_both_numbers_and_nothing_is_written():
    module = make("general")
    q, k, v = operands(module)
    cases = [
        ((q[..., :4], k, v), {}, ValueError, "query has width 4, but the module's query has 5"),
        ((q, k[:1], v), {}, ValueError, "key has batch 1, but query has 2"),
        ((q, k, v[:, :3]), {}, ValueError, "value has rows 3, but key has 7"),
        ((q, k[0], v), {}, ValueError, "key has 2 axes, but must have 3"),
        ((q.astype(np.float32), k, v), {}, TypeError, "query is float32, but must be float64"),
        ((q, k, v), {"key_lengths": [8, 1]}, ValueError, r"key_lengths has a 8, but must be in 0..7"),
        ((q, k, v), {"key_lengths": [2**70, 1]}, ValueError, rf"key_lengths\[0\] is {2**70}, but must be in"),
        ((q.astype(np.int64), k, v), {}, TypeError, "query is int64, but must be float64"),
        ((q, k, v), {"threads": 2**40}, ValueError, "threads is 1099511627776"),
        ((q, k, v), {"key_lengths": [1]}, ValueError, "key_lengths has 1 numbers, but the batch has 2"),
        ((q, k, v), {"mask": np.ones((4, 4), bool)}, ValueError, "mask has shape"),
        ((q, k, v), {"mask": np.ones((2, 3, 7))}, TypeError, "mask is float64, but must be bool"),
        ((q, k, v), {"threads": 0}, ValueError, "threads is 0"),
        (([1], k, v), {}, TypeError, "query is list, but must be an array"),
    ]
    for arrays, options, kind, words in cases:
        with pytest.raises(kind, match=words):
            module(*arrays, **options)
    with pytest.raises(ValueError, match="dout has width 3, but the module's output has 11"):
        module.backward(np.ones((2, 3, 3)), q, k, v)


@needs_nn
def test_empty_batches_and_no_keys():
    module = make("additive")
    q, k, v = operands(module)
    assert module(q[:0], k[:0], v[:0]).shape == (0, 3, 11)
    assert not module(q, k[:, :0], v[:, :0]).any()
    gradients = module.backward(np.ones((2, 3, 11)), q, k[:, :0], v[:, :0])
    assert not gradients.query.any() and gradients.key.shape == (2, 0, 9)


@needs_nn
@pytest.mark.parametrize("score", ("tanh", "general", "additive"))
def test_a_weight_is_out_by_in_where_one_of_them_is_1_too(score):
    extra = {"hidden": 1} if score == "additive" else {}
    module = attend.nn.AttentionModule(score, 4, 5, key_projection=1, value_projection=1, dtype="float64", **extra)
    shapes = {name: array.shape for name, array in module.parameters.items()}
    expected = {
        "query.weight": (1, 4),
        "query.bias": (1,),
        "compare.weight": (1, 1),
        "score.weight": (1,),
        "key.weight": (1, 5),
        "key.bias": (1,),
        "value.weight": (1, 5),
        "value.bias": (1,),
    }
    assert shapes == {name: expected[name] for name in shapes}
    assert {"query.weight", "key.weight", "value.weight"} <= set(shapes)
    random = np.random.default_rng(3)
    query, key = random.standard_normal((2, 3, 4)), random.standard_normal((2, 7, 5))
    out, weights = module(query, key, key, return_weights=True)
    expected_out, expected_weights = plain(module, score, "softmax", query, key, key, True)
    np.testing.assert_allclose(out, expected_out, atol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-12)
    gradients = module.backward(np.ones_like(out), query, key, key).parameters
    assert {name: array.shape for name, array in gradients.items()} == shapes
