"""In a child of fork(), as multiprocessing makes them, every call gives what it gives in its parent."""

import os
import signal

import numpy as np
import pytest
from test_attention_module import needs_nn
from test_captioner import needs_model

import attend

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork() here")


def assert_a_child_says_the_same(call):
    expected = call()  # starts the threads that the child does not have
    child = os.fork()
    if child == 0:
        signal.alarm(120)  # ends a child that waits for them
        same = False
        try:
            same = all(np.array_equal(a, b) for a, b in zip(call(), expected, strict=True))
        finally:
            os._exit(0 if same else 1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFSIGNALED(status), f"ended by signal {os.WTERMSIG(status)}"
    assert os.waitstatus_to_exitcode(status) == 0, "another result, or an exception"


def test_attention_and_its_gradients(operands):
    q, k, v = operands(Tq=65, Tk=65)

    def call():
        out, lse = attend.attention(q, k, v, return_lse=True, threads=3)
        return out, lse, *attend.attention_backward(out, q, k, v, out, lse, threads=3)

    assert_a_child_says_the_same(call)


def test_decoding_from_a_cache_that_the_parent_filled(operands):
    q, k, v = operands()
    cache = attend.KVCache(capacity=20, kv_heads=2, key_width=8, value_width=6, sequences=2)
    cache.append(k, v, threads=2)
    assert_a_child_says_the_same(lambda: attend.attention_decode(q, cache, return_lse=True, threads=2))


@needs_nn
@pytest.mark.parametrize("score", ["general", "additive"])
def test_attention_modules(score):
    module = attend.nn.AttentionModule(score, 64, 48)
    random = np.random.default_rng(3)
    q, k, v = (random.standard_normal((4, 33, width)).astype(np.float32) for width in (64, 48, 48))

    def call():
        gradients = module.backward(v, q, k, v, threads=3)
        return module(q, k, v, threads=3), gradients.query, gradients.key, *gradients.parameters.values()

    assert_a_child_says_the_same(call)


@needs_model
def test_captions():
    captioner = attend.Captioner(threads=3)
    photo = np.random.default_rng(4).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    def call():
        return [[c.text, c.probability] for c in (captioner.caption(photo), attend.Captioner(threads=3).caption(photo))]

    assert_a_child_says_the_same(call)
