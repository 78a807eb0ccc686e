"""The variants: each is a checkpoint on one axis, or with several axes together."""

import random
from dataclasses import dataclass, field
from typing import Callable

import torch

from checkpoint_parts import chats, configs
# These add to TOKENIZERS and WEIGHTS.
from checkpoint_parts import foreign, vocabularies_forms, vocabularies_models, vocabularies_steps  # noqa: F401
from checkpoint_parts.random_vocabularies import random_tokenizer
from checkpoint_parts.vocabularies import TOKENIZERS
from checkpoint_parts.weights import WEIGHTS

VARIANTS = {}


@dataclass
class Variant:
    name: str
    tokenizer: str = "bpe-pair"
    weights: str = "safetensors"
    config: dict = field(default_factory=dict)
    """Fields of GPT2Config."""
    edit_config: Callable[[dict], object] | None = None
    """Changes config.json's fields after transformers wrote it."""
    generation: dict | None = None
    """Fields of generation_config.json; None: no such file."""
    change_model: Callable[[object], object] | None = None
    pad: int = 1
    """The vocabulary of the model is a multiple of this."""
    after: Callable[[object], object] | None = None
    """Changes the folder at last."""
    chats: list[str] = field(default_factory=list)
    """Names of the chat templates."""
    refused: str = ""
    """What the converter's error says, if it refuses the checkpoint."""
    options: dict = field(default_factory=dict)
    """Options that the conversion needs."""


def variant(name, **fields):
    assert name not in VARIANTS, name
    VARIANTS[name] = Variant(name, **fields)


# Every form of the weights, with the smallest tokenizer.
for name in WEIGHTS:
    extra = {}
    if name.startswith("nanogpt"):
        # It stores no end of text; the converter knows that of GPT-2's vocabulary only.
        extra = {"config": {"activation_function": "gelu", "bos_token_id": None, "eos_token_id": None}}
    if name.startswith("gguf"):
        extra = {"options": {"source": "model.gguf"}, "config": {"n_embd": 32, "n_layer": 1} if name == "gguf-q8-0" else {}}
    if name.startswith("lora"):
        extra = {"options": {"base": "base"}}
    variant(f"weights-{name}", weights=name, **extra)

# Every tokenizer.
for name in TOKENIZERS:
    variant(f"tokenizer-{name}", tokenizer=name, config={"n_layer": 1})

# Every activation.
for name in configs.ACTIVATIONS:
    variant(f"activation-{name.replace('_', '-')}", config={"activation_function": name, "n_embd": 8, "n_layer": 1})


def untie(model):
    generator = torch.Generator().manual_seed(99)
    head = torch.empty(model.lm_head.weight.shape).normal_(0, 0.4, generator=generator)
    with torch.no_grad():
        model.lm_head.weight = torch.nn.Parameter((head.clamp(-3.9, 3.9) * 32).round() / 32)


def copy_head(model):
    with torch.no_grad():
        model.lm_head.weight = torch.nn.Parameter(model.transformer.wte.weight.clone())


def old_fields(json_):
    """A config.json as of 2019: no model_type in some, and names that no longer mean anything."""
    for name in ("transformers_version", "dtype", "use_cache"):
        json_.pop(name, None)
    json_ |= {
        "n_ctx": json_["n_positions"], "output_past": True, "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
        "summary_first_dropout": 0.1, "gradient_checkpointing": False, "torch_dtype": "float16", "finetuning_task": None,
    }  # fmt: skip
    return json_


def generic_names(json_):
    for name, alias in (("n_embd", "hidden_size"), ("n_positions", "max_position_embeddings"), ("n_head", "num_attention_heads"), ("n_layer", "num_hidden_layers")):
        json_[alias] = json_.pop(name)
    return json_


def classifier(json_):
    return json_ | {"architectures": ["GPT2ForSequenceClassification"], "id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}, "pad_token_id": 0}


VARIANTS["weights-bin-classifier"].edit_config = classifier
VARIANTS["weights-bin-classifier"].options = {"tiedHead": True}
VARIANTS["weights-bin-heads"].edit_config = lambda json_: json_ | {"architectures": ["GPT2DoubleHeadsModel"]}
VARIANTS["weights-bin-legacy-masks"].edit_config = old_fields

variant("head-untied", config={"tie_word_embeddings": False}, change_model=untie)
variant("head-untied-bin", config={"tie_word_embeddings": False}, change_model=untie, weights="bin")
variant("head-untied-equal", config={"tie_word_embeddings": False}, change_model=copy_head)
variant("head-contradicts", change_model=untie, config={"tie_word_embeddings": False}, edit_config=lambda json_: json_.pop("tie_word_embeddings") and None)
variant("head-untied-padded", config={"tie_word_embeddings": False, "n_layer": 1}, change_model=untie, pad=64)
variant("scale-inverse", config={"scale_attn_by_inverse_layer_idx": True, "n_layer": 3})
variant("scale-inverse-upcast", config={"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True, "n_layer": 3})
variant("scale-none", config={"scale_attn_weights": False})
variant("scale-none-inverse", config={"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True})
variant("inner", config={"n_inner": 20, "activation_function": "relu"})
variant("inner-one", config={"n_inner": 1})
variant("epsilon", config={"layer_norm_epsilon": 0.1})
variant("head-size-5", config={"n_embd": 15, "n_head": 3})
variant("head-size-1", config={"n_embd": 8, "n_head": 8})
variant("one-head", config={"n_embd": 24, "n_head": 1})
variant("one-layer", config={"n_layer": 1})
variant("five-layers", config={"n_layer": 5, "n_embd": 8})
variant("short-context", config={"n_positions": 40})
variant("config-old", edit_config=old_fields)
variant("config-generic-names", edit_config=generic_names)
variant("config-minimal", edit_config=lambda json_: {name: json_[name] for name in ("model_type", "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "eos_token_id")})
variant("config-no-architectures", edit_config=lambda json_: json_.pop("architectures") and None)
variant("config-cerebras", config={"activation_function": "gelu", "n_inner": 64, "scale_attn_weights": True, "layer_norm_epsilon": 1e-5, "reorder_and_upcast_attn": False}, weights="bin")
variant("config-cross-attention", config={"add_cross_attention": True})
variant("config-cross-attention-bin", config={"add_cross_attention": True}, weights="bin-masks")
variant("config-weights-file", edit_config=lambda json_: json_ | {"transformers_weights": "other.safetensors"}, after=lambda folder: (folder / "model.safetensors").rename(folder / "other.safetensors"))
variant("config-alias-wins", edit_config=lambda json_: json_ | {"n_layer": 7, "num_hidden_layers": 2, "n_head": 1, "num_attention_heads": 2})
variant("config-pruned-heads", edit_config=lambda json_: json_ | {"pruned_heads": {"0": [1]}, "is_decoder": True, "use_cache": False, "problem_type": None})
variant("ends-several", generation={"eos_token_id": "frequent", "bos_token_id": 0, "pad_token_id": 0})
variant("ends-in-config", edit_config=lambda json_: json_ | {"eos_token_id": [7, 299]})
variant("ends-none", edit_config=lambda json_: json_ | {"eos_token_id": None, "bos_token_id": None})
variant("ends-outside", edit_config=lambda json_: json_ | {"eos_token_id": 50256, "bos_token_id": 50256})
variant("generation-defaults", generation={
    "do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 40, "repetition_penalty": 1.2, "max_length": 50, "no_repeat_ngram_size": 3,
    "num_beams": 2, "eos_token_id": 299, "transformers_version": "4.30.0",
})  # fmt: skip
variant("generation-end-differs", generation={"eos_token_id": "frequent"})
variant("padded-64", pad=64, tokenizer="bpe-saved")
variant("padded-64-bin", pad=64, tokenizer="bpe-added-4", weights="bin-legacy")
variant("padded-1000", pad=1000, config={"n_embd": 8, "n_layer": 1}, tokenizer="bpe-json")
small = {"n_embd": 8, "n_layer": 1}
variant("chat-dialogue", tokenizer="bpe-added-4", config=small, after=chats.in_config(chats.DIALOGUE), chats=["default"])
variant("chat-chatml", tokenizer="bpe-added", config=small, after=chats.in_file(chats.CHATML), chats=["default"])
variant("chat-zephyr", tokenizer="bpe-added-4", config=small, after=chats.in_both(chats.ZEPHYR, chats.DIALOGUE), chats=["default"])
variant("chat-llama", tokenizer="llama-legacy", config=small, after=chats.in_config(chats.LLAMA), chats=["default"])
variant("chat-class-tokens", tokenizer="class-xlm-roberta", config=small, after=chats.in_config(chats.NAMES), chats=["default"])
variant("chat-macros", tokenizer="bpe-template", config=small, after=chats.in_config(chats.MACROS), chats=["default"])
variant("chat-strings", tokenizer="bpe-added", config=small, after=chats.in_config(chats.STRINGS), chats=["default"])
variant("chat-several", tokenizer="bpe-added-4", config=small, after=chats.several(default=chats.CHATML, tool_use=chats.DIALOGUE), chats=["default", "tool-use"])
variant("chat-folder", tokenizer="bpe-added", config=small, after=chats.in_folder(chats.CHATML, rag=chats.ZEPHYR), chats=["default", "rag"])
variant("chat-bert", tokenizer="bert-json", config=small, after=chats.in_config(chats.DIALOGUE.replace("eos_token", "sep_token")), chats=["default"])
# Several axes together, as whole families of the hub have them.
variant("family-chinese", tokenizer="bert-vocab", weights="bin", edit_config=old_fields, pad=8)
variant("family-japanese", tokenizer="spiece-t5-pad", weights="bin-masks", edit_config=old_fields, pad=64)
variant("family-dialogue", tokenizer="bpe-pair", weights="bin-legacy-masks", edit_config=old_fields)
variant("family-mistral", tokenizer="bpe-added-4", weights="bin-masks", config={"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True})
variant("family-llama-vocabulary", tokenizer="llama-legacy", weights="safetensors-bf16", config={"tie_word_embeddings": False, "activation_function": "silu"}, change_model=untie)

# What transformers loads and the converter does not: docs/models.md says what to do.
REFUSED = {
    "activation-prelu": 'activation_function "prelu" has trained parameters',
    "activation-xielu": 'activation_function "xielu" has trained parameters',
    "tokenizer-bpe-pre-tokenizers": 'the pre-tokenizer "UnicodeScripts" is not supported',
    "tokenizer-spiece-sw3": 'tokenizer_class "GPTSw3Tokenizer" is not supported',
}
for name, text in REFUSED.items():
    VARIANTS[name].refused = text


def random_variants(count, seed):
    """Random combinations of the axes. Most tokenizers have random parts too."""
    rng = random.Random(seed)
    plain = [name for name in WEIGHTS if not name.startswith(("nanogpt", "gguf", "lora")) and "classifier" not in name]
    with_head = ["safetensors", "bin", "bin-legacy", "safetensors-sharded", "bin-sharded", "prefix-module", "wrapped-model"]
    for number in range(count):
        heads = rng.choice([1, 2, 3, 4])
        config = {
            "n_head": heads,
            "n_embd": heads * rng.choice([4, 5, 6, 8]),
            "n_layer": rng.choice([1, 1, 2, 3]),
            "activation_function": rng.choice([name for name in configs.ACTIVATIONS if name not in ("prelu", "xielu")]),
            "scale_attn_by_inverse_layer_idx": rng.random() < 0.3,
            "scale_attn_weights": rng.random() < 0.8,
            "n_inner": rng.choice([None, None, 7, 24, 33]),
            "layer_norm_epsilon": rng.choice([1e-5, 1e-6, 1e-3]),
            "n_positions": rng.choice([40, 48, 64]),
        }
        change = rng.choice([None, None, None, untie, copy_head])
        if change:
            config["tie_word_embeddings"] = False
        edits = rng.sample([old_fields, generic_names], rng.choice([0, 0, 1]))
        name = rng.choice(list(TOKENIZERS)) if rng.random() < 0.25 else f"random-{seed}-{number}"
        TOKENIZERS.setdefault(name, random_tokenizer)
        yield Variant(
            f"random-{seed}-{number}",
            tokenizer=name,
            weights=rng.choice(with_head if change else plain),
            config=config,
            change_model=change,
            edit_config=edits[0] if edits else None,
            pad=rng.choice([1, 1, 8, 64]),
        )
