import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

import attend.transformers  # noqa: E402

attend.transformers.register()


def pair(kind, config, other="sdpa"):
    """Two models of the same random weights: one on PyTorch's attention, one on attend's."""
    models = []
    for implementation in (other, "attend"):
        torch.manual_seed(0)
        models.append(kind._from_config(config, attn_implementation=implementation).eval())
    models[1].load_state_dict(models[0].state_dict())
    assert models[1].config._attn_implementation == "attend"
    return models


def assert_close(a, b):
    # Layer norms keep the activations near 1: some float32 roundings.
    assert ((a - b).abs() <= 1e-5 * (1 + b.abs())).all()


def llama(**sizes):
    return transformers.LlamaConfig(
        vocab_size=99,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        **sizes,
    )


def test_llama_gives_the_logits_of_sdpa():
    sdpa, ours = pair(transformers.LlamaForCausalLM, llama())
    ids = torch.randint(0, 99, (2, 13), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert_close(ours(ids).logits, sdpa(ids).logits)


def test_llama_with_padding_gives_the_logits_of_sdpa():
    sdpa, ours = pair(transformers.LlamaForCausalLM, llama())
    ids = torch.randint(0, 99, (2, 13), generator=torch.Generator().manual_seed(2))
    mask = torch.ones_like(ids)
    mask[1, :5] = 0
    with torch.no_grad():
        a, b = ours(ids, attention_mask=mask).logits, sdpa(ids, attention_mask=mask).logits
    assert_close(a[mask.bool()], b[mask.bool()])


def test_llama_writes_the_same_words():
    sdpa, ours = pair(transformers.LlamaForCausalLM, llama(eos_token_id=None))
    ids = torch.randint(0, 99, (2, 7), generator=torch.Generator().manual_seed(3))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    options = dict(attention_mask=mask, max_new_tokens=9, do_sample=False, pad_token_id=0)
    assert torch.equal(ours.generate(ids, **options), sdpa.generate(ids, **options))


def test_llama_learns_with_the_same_gradients():
    sdpa, ours = pair(transformers.LlamaForCausalLM, llama())
    ids = torch.randint(0, 99, (2, 13), generator=torch.Generator().manual_seed(4))
    for model in (sdpa, ours):
        model(ids, labels=ids).loss.backward()
    for a, b in zip(ours.parameters(), sdpa.parameters()):
        assert_close(a.grad, b.grad)


def test_bert_gives_the_states_of_sdpa():
    config = transformers.BertConfig(
        vocab_size=99, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96
    )
    sdpa, ours = pair(transformers.BertModel, config)
    ids = torch.randint(0, 99, (3, 11), generator=torch.Generator().manual_seed(5))
    mask = torch.ones_like(ids)
    mask[0, 6:] = 0
    with torch.no_grad():
        assert_close(ours(ids).last_hidden_state, sdpa(ids).last_hidden_state)
        a, b = (m(ids, attention_mask=mask).last_hidden_state for m in (ours, sdpa))
    assert_close(a[mask.bool()], b[mask.bool()])


def test_vit_gives_the_states_of_sdpa():
    config = transformers.ViTConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        image_size=32,
        patch_size=8,
    )
    sdpa, ours = pair(transformers.ViTModel, config)
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        assert_close(ours(pixels).last_hidden_state, sdpa(pixels).last_hidden_state)


def test_every_layer_asks_attend(monkeypatch):
    calls = []
    real = attend.transformers.attention_of
    monkeypatch.setattr(attend.transformers, "attention_of", lambda *a, **o: calls.append(1) or real(*a, **o))
    _, ours = pair(transformers.LlamaForCausalLM, llama())
    with torch.no_grad():
        ours(torch.zeros(1, 3, dtype=torch.long))
    assert len(calls) == ours.config.num_hidden_layers


def test_softcap_sinks_and_bias_are_those_of_the_model():
    torch.manual_seed(7)
    q, k, v = (torch.randn(2, 4, t, 8) for t in (5, 7, 7))
    bias, sinks, mask = torch.randn(1, 4, 5, 7), torch.randn(4), torch.rand(2, 1, 5, 7) < 0.7
    out, weights = attend.transformers.attention_forward(
        torch.nn.Module(), q, k, v, mask, scaling=0.3, softcap=0.8, s_aux=sinks, position_bias=bias
    )
    scores = 0.8 * torch.tanh(q @ k.transpose(2, 3) * 0.3 / 0.8) + bias
    scores = scores.masked_fill(~mask, -torch.inf)
    scores = torch.cat([scores, sinks.view(1, 4, 1, 1).expand(2, 4, 5, 1)], -1)
    assert weights is None
    assert_close(out, (torch.softmax(scores, -1)[..., :-1] @ v).transpose(1, 2))


def test_gemma_gives_the_logits_of_eager_with_its_softcap_and_windows():
    config = transformers.Gemma2Config(
        vocab_size=99, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, sliding_window=4, attn_logit_softcapping=0.5,
    )
    eager, ours = pair(transformers.Gemma2ForCausalLM, config, "eager")
    ids = torch.randint(0, 99, (2, 13), generator=torch.Generator().manual_seed(8))
    with torch.no_grad():
        assert_close(ours(ids).logits, eager(ids).logits)


def test_what_would_be_ignored_is_refused():
    q = torch.randn(1, 2, 3, 4)
    with pytest.raises(ValueError, match="the model asks for head_mask"):
        attend.transformers.attention_forward(torch.nn.Module(), q, q, q, None, head_mask=torch.ones(2))
