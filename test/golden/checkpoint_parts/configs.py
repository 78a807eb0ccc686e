"""The axes of config.json and generation_config.json, and models with random weights."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.activations import ACT2CLS

ACTIVATIONS = sorted(ACT2CLS)
SMALL = {"n_embd": 12, "n_head": 2, "n_layer": 2, "n_positions": 64}


def scale_of(name, config):
    """Standard deviation of a parameter: large enough that positions, attention and the MLP decide the tokens."""
    if name.endswith("wte.weight") or name == "lm_head.weight":
        return 0.4
    if name.endswith("wpe.weight"):
        return 0.5
    if name.endswith("c_attn.weight"):
        return 2.0 / config.n_embd**0.5
    if name.endswith("weight") and "ln_" not in name:
        return 1.2 / config.n_embd**0.5
    return 0.3


def make_model(config, seed):
    """A model with seeded weights, which are multiples of 1/32 below 4 in magnitude."""
    model = GPT2LMHeadModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            mean = 1.0 if "ln_" in name and name.endswith("weight") else 0.25 if ".act." in name else 0.0
            values = torch.empty(parameter.shape).normal_(mean, scale_of(name, config), generator=generator)
            parameter.copy_((values.clamp(-3.9, 3.9) * 32).round() / 32)
    return model


def make_config(vocab_size, overrides):
    return GPT2Config(**(SMALL | {"vocab_size": vocab_size} | overrides))
