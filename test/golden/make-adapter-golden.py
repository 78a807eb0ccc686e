"""Writes LoRA adapters with peft to foreign/adapters, and samples of the weights that peft merges from them.

pip install peft==0.21.0 accelerate==1.15.0; then python test/golden/make-adapter-golden.py (after make-gguf-golden.py)

Where an adapter changes embedding or lm_head, peft's merge into a base that ties them changes both, and peft warns of
it. Such adapters are merged a second time into a base whose embeddings were untied first, as peft advises. The script
checks that all other merged models have the logits of the base with the adapter beside it.
"""

import json
import shutil
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

from foreign_base import BASE, FOLDER, write_json

ALL = ["c_attn", "c_proj", "c_fc"]
IDS = torch.tensor([[5, 1, 200, 256, 260, 17]])

# By name: fields of LoraConfig, and how the case differs from others.
CASES = {
    "plain": ({"target_modules": ALL, "lora_alpha": 16, "fan_in_fan_out": True}, {}),
    "patterns": (
        {
            "target_modules": ["c_attn", "c_fc"],
            "use_rslora": True,
            "rank_pattern": {"c_fc": 2, r"h\.1\.attn\.c_attn": 6},
            "alpha_pattern": {"c_fc": 3, r"h\.[1-9]\..*": 24},
        },
        {},
    ),
    "dora": ({"target_modules": ALL, "use_dora": True}, {}),
    "biases": ({"target_modules": ["c_attn"], "bias": "all"}, {}),
    "lora-bias": ({"target_modules": ["c_proj"], "lora_bias": True, "use_rslora": True}, {}),
    "tokens": ({"target_modules": ["c_attn"], "trainable_token_indices": [262, 7]}, {}),
    "more-tokens": ({"target_modules": ["c_fc"]}, {"vocab_size": 266}),
    "norms": ({"target_modules": ["c_attn"], "modules_to_save": ["ln_f", "wpe"]}, {}),
    "bin": ({"target_modules": ["c_attn"]}, {"bin": True}),
    "head": ({"target_modules": ["c_attn"], "modules_to_save": ["lm_head"]}, {}),
    "embedding": ({"target_modules": ["wte", "wpe", "c_fc"]}, {"untied": True}),
    "both-dora": ({"target_modules": ["wte", "lm_head"], "use_dora": True}, {"untied": True}),
}


def load_base(vocab_size=None, untied=False):
    base = GPT2LMHeadModel.from_pretrained(BASE, dtype=torch.float32)
    if vocab_size:
        torch.manual_seed(3)
        base.resize_token_embeddings(vocab_size)
    if untied:
        base.lm_head.weight = torch.nn.Parameter(base.transformer.wte.weight.detach().clone())
        base.config.tie_word_embeddings = False
    return base.eval()


def make_adapter(name, fields, case):
    folder = FOLDER / "adapters" / name
    base = load_base(case.get("vocab_size"))
    torch.manual_seed(len(name))
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, **fields))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape))
    if case.get("bin"):
        model = model.half()
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    # peft writes the path of this checkout.
    config["base_model_name_or_path"] = "edgebeam/base"
    config["target_modules"].sort()
    write_json(folder / "adapter_config.json", config)
    if case.get("bin"):
        file = folder / "adapter_model.safetensors"
        torch.save(load_file(file), folder / "adapter_model.bin")
        file.unlink()
    return folder


def samples(tensor):
    flat = tensor.flatten().double()
    step = max(1, flat.numel() // 13)
    return {
        "shape": list(tensor.shape),
        "sum_of_squares": float((flat * flat).sum()),
        "values": [float(value) for value in flat[::step]],
    }


def logits(model):
    with torch.no_grad():
        return model(IDS).logits


def merge(folder, case, untie=False):
    """Samples of the weights that the adapter changes."""
    vocab_size = case.get("vocab_size")
    merged = PeftModel.from_pretrained(load_base(vocab_size, untie), folder).merge_and_unload().eval()
    if untie or not case.get("untied"):
        beside = PeftModel.from_pretrained(load_base(vocab_size), folder).eval()
        error = float((logits(merged) - logits(beside)).abs().max())
        assert error < 1e-5, (folder, error)
    before = load_base(vocab_size).state_dict()
    state = merged.state_dict()
    is_tied = torch.equal(state["lm_head.weight"], state["transformer.wte.weight"])
    changed = {
        key.removeprefix("transformer."): samples(value.detach())
        for key, value in state.items()
        if not torch.equal(value, before[key]) and not (key == "lm_head.weight" and is_tied)
    }
    if vocab_size:
        changed["wte.weight"] = samples(state["transformer.wte.weight"])
    return changed


def main():
    warnings.simplefilter("ignore")
    shutil.rmtree(FOLDER / "adapters", ignore_errors=True)
    golden = {}
    for name, (fields, case) in CASES.items():
        folder = make_adapter(name, fields, case)
        golden[name] = merge(folder, case)
        if case.get("untied"):
            golden[f"{name} untied"] = merge(folder, case, untie=True)
    text = json.dumps(golden).replace('"shape"', '\n"shape"')
    (FOLDER / "adapters.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
