"""The contract of a transformers model, kept by Bubo."""

import pytest
import torch
from tiny import (
    NUM_IMAGE_TOKENS,
    tiny_audio_config,
    tiny_config,
    tiny_model,
    tiny_pixels,
    tiny_processor,
    tiny_qformer,
    tiny_samples,
    tiny_text_config,
    tiny_tokenizer,
    tiny_vision_config,
)
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
    Blip2VisionConfig,
    DynamicCache,
    GPT2Config,
    Qwen3Config,
)

from bubo.models.bubo import BuboConfig, BuboForConditionalGeneration, BuboModel

TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


def blip2_vision():
    return Blip2VisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        initializer_range=0.02,
    )


KINDS = {
    "plain": {},
    "anchored": {"anchored_queries": True, "anchored_residual": True},
    "blip2": {"vision_config": blip2_vision()},
    "untied": {"text_config": tiny_text_config(tie_word_embeddings=False)},
}


@pytest.fixture(scope="module")
def processor():
    return tiny_processor()


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def image(seed):
    return {"type": "image", "image": tiny_pixels(seed)}


def audio(seed, duration_s=1.5):
    return {"type": "audio", "audio": tiny_samples(seed, duration_s)}


def question(*parts):
    return [{"role": "user", "content": [*parts[:-1], {"type": "text", "text": parts[-1]}]}]


MIXED = [
    question(image(1), "What?"),
    question(audio(2, 0.7), image(3), audio(4, 2.5), image(5), "And what do you hear in all of this?"),
    question("Hello."),
    question(audio(6), "Hear?"),
]


def generate(model, inputs, **kwargs):
    new = 8
    with torch.no_grad():
        ids = model.generate(**inputs, max_new_tokens=new, min_new_tokens=new, do_sample=False, **kwargs)
    return ids[:, inputs["input_ids"].shape[1] :].tolist()


def architecture(fields):
    """Without what a loaded configuration says more than one made in code: folder and type of the weights."""
    return {
        name: architecture(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if name not in ("dtype", "_name_or_path")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, processor, tmp_path):
    model = tiny_model(**KINDS[kind])
    model.save_pretrained(tmp_path)
    loaded, report = BuboForConditionalGeneration.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    assert architecture(loaded.config.to_dict()) == architecture(model.config.to_dict())
    state = model.state_dict()
    assert loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in loaded.state_dict().items())
    inputs = processor.apply_chat_template(MIXED)
    with torch.no_grad():
        assert torch.equal(loaded(**inputs).logits, model(**inputs).logits)


def test_auto_classes(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), BuboConfig)
    assert isinstance(AutoModel.from_pretrained(tmp_path), BuboModel)
    for auto in (AutoModelForImageTextToText, AutoModelForMultimodalLM):
        assert isinstance(auto.from_pretrained(tmp_path), BuboForConditionalGeneration)


@pytest.mark.parametrize("kind", KINDS)
def test_cached_equals_uncached(kind, processor):
    model = tiny_model(**KINDS[kind])
    for conversation in MIXED:
        inputs = processor.apply_chat_template(conversation)
        assert generate(model, inputs, use_cache=True) == generate(model, inputs, use_cache=False)


def test_step_by_step_equals_at_once(model, processor):
    inputs = processor.apply_chat_template(MIXED[1])
    ids = inputs["input_ids"]
    with torch.no_grad():
        whole = model(**inputs).logits
        soft = model.get_image_features(inputs["pixel_values"])
        heard = model.get_audio_features(inputs["input_features"], inputs["clip_mask"])
        cache, logits, seen = DynamicCache(config=model.config.text_config), [], [0, 0]
        for place in range(ids.shape[1]):
            token, media = ids[:, place : place + 1], {}
            for number, (name, features, token_id) in enumerate(
                (
                    ("image_features", soft, model.config.image_token_id),
                    ("audio_features", heard, model.config.audio_token_id),
                )
            ):
                if int(token) == token_id:
                    media[name] = features.flatten(0, 1)[seen[number]][None, None]
                    seen[number] += 1
            logits.append(model(input_ids=token, past_key_values=cache, use_cache=True, **media).logits)
    torch.testing.assert_close(torch.cat(logits, 1), whole, **TOLERANCE)


def test_batch_equals_single_with_left_padding_and_mixed_modalities(model, processor):
    batch = processor.apply_chat_template(MIXED)
    with torch.no_grad():
        logits = model(**batch).logits
        for row, conversation in enumerate(MIXED):
            single = processor.apply_chat_template(conversation)
            length = single["input_ids"].shape[1]
            torch.testing.assert_close(model(**single).logits[0], logits[row, -length:], **TOLERANCE)
    together = generate(model, batch)
    assert together == [generate(model, processor.apply_chat_template(c))[0] for c in MIXED]


def test_right_padding_changes_nothing(model, processor):
    inputs = processor.apply_chat_template(MIXED[1])
    length = inputs["input_ids"].shape[1]
    padded = dict(inputs)
    padded["input_ids"] = torch.nn.functional.pad(inputs["input_ids"], (0, 5), value=0)
    padded["attention_mask"] = torch.nn.functional.pad(inputs["attention_mask"], (0, 5), value=0)
    with torch.no_grad():
        torch.testing.assert_close(model(**padded).logits[:, :length], model(**inputs).logits, **TOLERANCE)


def test_media_matter_and_so_does_their_order(model, processor):
    def answer(*parts):
        return generate(model, processor.apply_chat_template(question(*parts, "What?")))

    assert answer(image(1)) != answer(image(2)) != answer()
    assert answer(audio(1)) != answer(audio(2)) != answer()
    assert answer(image(1), image(2)) != answer(image(2), image(1))


def test_beams_keep_every_row_its_media(model, processor):
    batch = processor.apply_chat_template(MIXED)
    together = generate(model, batch, num_beams=3)
    assert together == [generate(model, processor.apply_chat_template(c), num_beams=3)[0] for c in MIXED]


def test_generation_goes_on_from_a_cache(model, processor):
    first = processor.apply_chat_template(MIXED[1])
    cache = DynamicCache(config=model.config.text_config)
    ids = model.generate(**first, past_key_values=cache, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    more = processor.apply_chat_template(question(image(9), "More?"))
    second = {
        "input_ids": torch.cat([ids, more["input_ids"][:, 1:]], 1),
        "pixel_values": torch.cat([first["pixel_values"], more["pixel_values"]]),
        "input_features": first["input_features"],
        "clip_mask": first["clip_mask"],
    }
    second["attention_mask"] = torch.ones_like(second["input_ids"])
    calls = []
    hook = model.model.vision_tower.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append(kwargs["pixel_values"].shape[0]), with_kwargs=True
    )
    warm = generate(model, second, past_key_values=cache)
    hook.remove()
    assert calls == [1]  # the two pictures of the first turn are in the cache already
    assert warm == generate(model, second)


def test_streaming(model, processor):
    class Listener:
        def __init__(self):
            self.heard = []

        def put(self, ids):
            self.heard.append(ids.flatten().tolist())

        def end(self):
            self.heard.append("end")

    listener = Listener()
    inputs = processor.apply_chat_template(MIXED[1])
    answer = generate(model, inputs, streamer=listener)[0]
    assert listener.heard == [inputs["input_ids"][0].tolist(), *([i] for i in answer), "end"]


def test_placeholders_are_never_generated(processor, tmp_path):
    model = tiny_model(**KINDS["untied"])
    with torch.no_grad():
        model.lm_head.weight[[model.config.image_token_id, model.config.audio_token_id]] *= 100
    inputs = processor.apply_chat_template(MIXED[1])
    model.save_pretrained(tmp_path)
    for one in (model, BuboForConditionalGeneration.from_pretrained(tmp_path)):
        for use_cache in (True, False):
            answer = generate(one, inputs, use_cache=use_cache)[0]
            assert not {model.config.image_token_id, model.config.audio_token_id} & set(answer)


@pytest.mark.parametrize("precomputed", ["states", "soft"])
def test_media_may_be_given_at_any_stage(model, processor, precomputed):
    inputs = processor.apply_chat_template(MIXED)
    given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        if precomputed == "states":
            given["vision_hidden_states"] = model.model.vision_tower(inputs["pixel_values"]).last_hidden_state
            states = model.model.audio_tower(inputs["input_features"], clip_mask=inputs["clip_mask"])
            given["audio_hidden_states"] = states.last_hidden_state
        else:
            given["image_features"] = model.get_image_features(inputs["pixel_values"])
            given["audio_features"] = model.get_audio_features(inputs["input_features"], inputs["clip_mask"])
        torch.testing.assert_close(model(**given).logits, model(**inputs).logits, **TOLERANCE)
    assert generate(model, given) == generate(model, inputs)
    assert generate(model, given, num_beams=2) == generate(model, inputs, num_beams=2)


def test_clips_kept_apart_are_read_in_one_row(processor):
    config = tiny_audio_config()
    config.merge = "none"
    model = tiny_model(audio_config=config)
    both = processor.apply_chat_template([MIXED[0], question(audio(4, 0.7), "Hear?"), MIXED[1]])
    alone = processor.apply_chat_template(question(audio(4, 0.7), "Hear?"))
    with torch.no_grad():
        length = alone["input_ids"].shape[1]
        torch.testing.assert_close(model(**both).logits[1, -length:], model(**alone).logits[0], **TOLERANCE)


def test_four_dimensional_masks_reach_the_language_model(processor):
    model = tiny_model()
    inputs = processor.apply_chat_template(MIXED[1])
    length = inputs["input_ids"].shape[1]
    hidden = torch.full((length, length), -torch.inf).triu(1)[None, None]
    with torch.no_grad():
        plain = model(**inputs).logits
        inputs["attention_mask"] = hidden
        torch.testing.assert_close(model(**inputs).logits, plain, **TOLERANCE)
        hidden = hidden.clone()
        hidden[..., -1, 0] = -torch.inf
        inputs["attention_mask"] = hidden
        changed = model(**inputs, position_ids=torch.arange(length)[None]).logits
    torch.testing.assert_close(changed[:, :-1], plain[:, :-1], **TOLERANCE)
    assert (changed[:, -1] - plain[:, -1]).abs().max() > 1e-3


def test_attentions_and_hidden_states(model, processor, tmp_path):
    model.save_pretrained(tmp_path)
    eager = BuboForConditionalGeneration.from_pretrained(tmp_path, attn_implementation="eager")
    inputs = processor.apply_chat_template(MIXED[0])
    length = inputs["input_ids"].shape[1]
    with torch.no_grad():
        outputs = eager(**inputs, output_attentions=True, output_hidden_states=True)
        torch.testing.assert_close(outputs.logits, model(**inputs).logits, **TOLERANCE)
    assert [a.shape for a in outputs.attentions] == [(1, 4, length, length)] * 2
    assert [h.shape for h in outputs.hidden_states] == [(1, length, 32)] * 3
    assert outputs.image_features.shape == (1, NUM_IMAGE_TOKENS, 32)
    assert outputs.audio_features is None


def test_counts_that_do_not_match(model, processor):
    inputs = processor.apply_chat_template(question(image(1), image(2), "What?"))
    with pytest.raises(ValueError, match="8 placeholders.*make 4 soft tokens"):
        model(**{**inputs, "pixel_values": inputs["pixel_values"][:1]})
    with pytest.raises(ValueError, match="holds 8 placeholders.*make 0 soft tokens"):
        model(input_ids=inputs["input_ids"])
    with pytest.raises(ValueError, match="Audio.*0 placeholders.*make 3 soft tokens"):
        model(**inputs, audio_features=torch.zeros(1, 3, 32))


def test_inputs_that_contradict(model, processor):
    inputs = processor.apply_chat_template(MIXED[0])
    with pytest.raises(ValueError, match="exactly one of input_ids and inputs_embeds"):
        model()
    with pytest.raises(ValueError, match="Media need input_ids"):
        model(inputs_embeds=torch.zeros(1, 2, 32), pixel_values=inputs["pixel_values"])
    with pytest.raises(ValueError, match="exactly one of pixel_values"):
        model.get_image_features()
    with pytest.raises(ValueError, match="exactly one of input_features"):
        model.get_audio_features()
    with pytest.raises(ValueError, match="gives 17 states but 40 queries"):
        tiny_model(num_image_tokens=40, anchored_queries=True).get_image_features(inputs["pixel_values"])


@pytest.mark.parametrize("missing", ["vision", "audio"])
def test_either_modality_may_be_left_out(missing, processor, tmp_path):
    model = tiny_model(**{f"{missing}_config": None, f"{missing}_qformer_config": None})
    assert not any(missing in name for name in model.state_dict())
    model.save_pretrained(tmp_path)
    loaded = BuboForConditionalGeneration.from_pretrained(tmp_path)
    other = processor.apply_chat_template(MIXED[3] if missing == "vision" else MIXED[0])
    assert generate(loaded, other) == generate(model, other)
    name = "pictures" if missing == "vision" else "sounds"
    with pytest.raises(ValueError, match=f"(?i){name} were given to a model without"):
        model(**processor.apply_chat_template(MIXED[1]))


@pytest.mark.parametrize("name", ["gpt2", "qwen3"])
def test_other_language_models(name, processor, tmp_path):
    tokenizer = tiny_tokenizer()
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    text_config = {
        "gpt2": GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=128, **ids),
        "qwen3": Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            tie_word_embeddings=True,
            **ids,
        ),
    }[name]
    model = tiny_model(text_config=text_config)
    assert model.lm_head.weight is model.get_input_embeddings().weight
    inputs = processor.apply_chat_template(MIXED)
    answer = generate(model, inputs)
    assert answer == generate(model, inputs, use_cache=False)
    model.save_pretrained(tmp_path)
    loaded = BuboForConditionalGeneration.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.get_input_embeddings().weight
    assert generate(loaded, inputs) == answer


def test_tied_weights_stay_tied_and_grow(processor):
    model = tiny_model()
    model.resize_token_embeddings(310)
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert model.lm_head.weight.shape == (310, 32)
    assert model(**processor.apply_chat_template(MIXED[0])).logits.shape[-1] == 310
    untied = tiny_model(**KINDS["untied"])
    assert untied.lm_head.weight is not untied.get_input_embeddings().weight


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype, processor, tmp_path):
    tiny_model().save_pretrained(tmp_path)
    model = BuboForConditionalGeneration.from_pretrained(tmp_path, dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    logits = model(**processor.apply_chat_template(MIXED)).logits
    assert logits.dtype == dtype and logits.isfinite().all()
    model.save_pretrained(tmp_path / "half")
    again = BuboForConditionalGeneration.from_pretrained(tmp_path / "half")
    assert again.dtype == dtype


def split_map(model):
    return {"model.vision_tower": "cpu", "model.vision_bridge": "cpu", "model.audio_tower": "disk"} | {
        "model.audio_bridge": "disk",
        "model.language_model": "disk",
        "lm_head": "disk",
    }


@pytest.mark.parametrize("device_map", ["auto", "cpu", "split"])
def test_device_map(device_map, processor, tmp_path):
    model = tiny_model(**KINDS["untied"])
    model.save_pretrained(tmp_path)
    loaded = BuboForConditionalGeneration.from_pretrained(
        tmp_path,
        device_map=split_map(model) if device_map == "split" else device_map,
        offload_folder=tmp_path / "offload",
    )
    inputs = processor.apply_chat_template(MIXED)
    with torch.no_grad():
        torch.testing.assert_close(loaded(**inputs).logits, model(**inputs).logits, **TOLERANCE)
    assert generate(loaded, inputs) == generate(model, inputs)


@pytest.mark.parametrize("bits", [8, 4])
def test_quantization(bits, processor, tmp_path):
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    model = tiny_model(width=64)  # the smallest that four bits pack into
    model.save_pretrained(tmp_path)
    config = BitsAndBytesConfig(load_in_8bit=True) if bits == 8 else BitsAndBytesConfig(load_in_4bit=True)
    quantized = BuboForConditionalGeneration.from_pretrained(tmp_path, quantization_config=config)
    assert quantized.is_quantized
    assert quantized.lm_head.weight.is_floating_point()
    inputs = processor.apply_chat_template(MIXED[1])
    with torch.no_grad():
        logits, exact = quantized(**inputs).logits.float(), model(**inputs).logits
    similarity = torch.nn.functional.cosine_similarity(logits.flatten(), exact.flatten(), dim=0)
    assert similarity > (0.9 if bits == 8 else 0.3)
    assert len(generate(quantized, inputs)[0]) == 8


def test_peft(processor, tmp_path):
    peft = pytest.importorskip("peft")
    base = tiny_model()
    inputs = processor.apply_chat_template(MIXED)
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    config = peft.LoraConfig(
        r=4,
        target_modules=r".*language_model.*\.(q_proj|v_proj)",
        modules_to_save=["vision_bridge"],
        task_type="CAUSAL_LM",
    )
    model = peft.get_peft_model(base, config)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained and all("lora_" in name or "vision_bridge" in name for name in trained)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    losses = []
    for _ in range(4):
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    model.eval()
    model.save_pretrained(tmp_path)
    again = peft.PeftModel.from_pretrained(tiny_model(), tmp_path).eval()
    with torch.no_grad():
        torch.testing.assert_close(again(**inputs).logits, model(**inputs).logits, **TOLERANCE)
    assert generate(again, inputs) == generate(model, inputs)


def test_activation_checkpointing_changes_no_gradient(processor):
    inputs = processor.apply_chat_template(MIXED)
    labels = inputs["input_ids"]
    gradients = []
    for checkpointing in (False, True):
        model = tiny_model().train()
        if checkpointing:
            assert model.supports_gradient_checkpointing
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            assert model.is_gradient_checkpointing
        model(**inputs, labels=labels, use_cache=False).loss.backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, **TOLERANCE)


def test_frozen_parts_get_no_gradient_and_bridges_do(processor):
    model = tiny_model(**KINDS["anchored"])
    model.requires_grad_(False)
    model.model.vision_bridge.requires_grad_(True)
    inputs = processor.apply_chat_template(MIXED)
    model(**inputs, labels=inputs["input_ids"]).loss.backward()
    with_gradient = {
        name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
    }
    assert with_gradient and all(name.startswith("model.vision_bridge.") for name in with_gradient)
    for part in ("query_tokens", "anchor.weight", "residual.weight", "projector.weight"):
        assert f"model.vision_bridge.{part}" in with_gradient


def test_two_trainer_steps(processor, tmp_path):
    from transformers import Trainer, TrainingArguments

    def collate(rows):
        inputs = processor.apply_chat_template([row["messages"] for row in rows], add_generation_prompt=False)
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        return {**inputs, "labels": labels}

    rows = [{"messages": [*c, {"role": "assistant", "content": "A dog."}]} for c in MIXED]
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        learning_rate=1e-3,
        remove_unused_columns=False,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1,
        save_strategy="no",
        gradient_checkpointing=True,
        dataloader_pin_memory=False,
    )
    model = tiny_model().train()
    before = model.model.audio_bridge.projector.weight.clone()
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collate)
    result = trainer.train()
    assert result.global_step == 2
    assert all(
        torch.tensor(entry["loss"]).isfinite() for entry in trainer.state.log_history if "loss" in entry
    )
    assert not torch.equal(before, model.model.audio_bridge.projector.weight)


def test_loss_is_that_of_the_next_token(model, processor):
    inputs = processor.apply_chat_template(MIXED[0])
    labels = inputs["input_ids"].clone()
    labels[:, :5] = -100
    with torch.no_grad():
        outputs = model(**inputs, labels=labels)
        kept = model(**inputs, logits_to_keep=2).logits
    expected = torch.nn.functional.cross_entropy(outputs.logits[0, 4:-1], labels[0, 5:])
    torch.testing.assert_close(outputs.loss, expected)
    torch.testing.assert_close(kept, outputs.logits[:, -2:], **TOLERANCE)


def test_queries_start_apart():
    model = BuboForConditionalGeneration(tiny_config())
    queries = model.model.vision_bridge.query_tokens[0].detach()
    assert queries.std().item() == pytest.approx(0.02, rel=0.4)
    assert torch.cdist(queries, queries).fill_diagonal_(1.0).min() > 0.01


def test_configuration():
    config = tiny_config()
    assert config.vision_qformer_config.encoder_hidden_size == 32
    assert config.tie_word_embeddings
    again = BuboConfig(**config.to_dict())
    assert again.to_dict() == config.to_dict()
    assert type(again.audio_config) is type(tiny_audio_config())
    with pytest.raises(ValueError, match="vision_config was given as a dict without `model_type`"):
        tiny_config(vision_config={"hidden_size": 32})
    with pytest.raises(ValueError, match="audio_qformer_config was given but audio_config is None"):
        tiny_config(audio_config=None)
    with pytest.raises(Exception, match="num_image_tokens"):
        tiny_config(num_image_tokens="four")
    assert tiny_config(vision_qformer_config=None).vision_qformer_config.hidden_size == 768
    assert BuboConfig().vision_config is None
    assert tiny_config(vision_config=tiny_vision_config().to_dict(), vision_qformer_config=tiny_qformer())
