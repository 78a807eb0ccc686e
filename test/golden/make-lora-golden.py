"""Writes golden logits and texts of peft's LoRA adapters beside their base, in float32 on the CPU, to lora.json.

    pip install torch==2.13.0 transformers==5.18.0 peft==0.21.0 accelerate==1.15.0
    python test/golden/make-lora-golden.py    (after make-gguf-golden.py)

The weights of an adapter are not stored: they are a hash of their index, which `test/support/lora-golden.ts` computes
too. A case has the fields of LoraConfig, the names and shapes that peft would save, and after a prompt the logits of its
last token (float32, base64), the greedy continuation, and four beams with their scores.
"""

import base64
import json
import pathlib
import warnings

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import GPT2LMHeadModel

HERE = pathlib.Path(__file__).parent
BASES = {"odd": HERE / "odd-checkpoint", "gelu": HERE / "foreign" / "base"}
ALL = ["c_attn", "c_proj", "c_fc"]
TARGETS = ["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"]
TOKENS = 10

# Fields of LoraConfig.
CASES = [
    *({"r": rank, "target_modules": ALL, "lora_alpha": 16} for rank in (1, 2, 3, 4, 7, 8, 12, 16, 32, 64)),
    *({"r": rank, "target_modules": [target], "lora_alpha": 2 * rank} for rank in (4, 16) for target in TARGETS),
    {"r": 64, "target_modules": ["c_attn"], "lora_alpha": 128, "use_rslora": True},
    {"r": 24, "target_modules": ["c_attn", "c_fc"], "lora_alpha": 6, "use_rslora": True},
    {"r": 8, "target_modules": ALL, "layers_to_transform": [1]},
    {"r": 8, "target_modules": ALL, "layers_to_transform": [0, 1], "fan_in_fan_out": True, "lora_dropout": 0.1},
    {"r": 5, "target_modules": ["mlp.c_proj"], "lora_alpha": 3, "fan_in_fan_out": True},
    {
        "r": 6,
        "target_modules": ALL,
        "rank_pattern": {"c_fc": 2, r"h\.1\.attn\.c_attn": 11},
        "alpha_pattern": {"c_fc": 3, r"h\.[1-9]\.attn.*": 24},
    },
    {"r": 9, "target_modules": "all-linear", "lora_alpha": 9, "exclude_modules": ["lm_head"]},
    {"r": 2, "target_modules": ["c_attn"], "lora_alpha": 64, "init_lora_weights": "gaussian"},
]


def hashed(count, seed):
    """Numbers from -0.5 to 0.5 with 24 bits."""
    bits = np.arange(count, dtype=np.uint64) * 2654435761 + seed * 40503 & 0xFFFFFFFF
    bits ^= bits >> 15
    bits = bits * 2246822519 & 0xFFFFFFFF
    bits ^= bits >> 13
    return torch.from_numpy((bits >> 8).astype(np.float32) / np.float32(2**24) - np.float32(0.5))


def prompt_of(index):
    return [int(value) for value in (np.arange(3 + index % 9) * 37 + 11 * index) % 256]


def make(index, fields):
    base = "gelu" if index % 3 == 2 else "odd"
    model = GPT2LMHeadModel.from_pretrained(BASES[base], dtype=torch.float32)
    model.generation_config.eos_token_id = None
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **fields)).eval()
    state = get_peft_model_state_dict(model)
    tensors = [(name, list(state[name].shape)) for name in sorted(state)]
    weights = {
        name: hashed(int(np.prod(shape)), 100 * index + i).reshape(shape) for i, (name, shape) in enumerate(tensors)
    }
    set_peft_model_state_dict(model, weights)
    prompt = prompt_of(index)
    ids = torch.tensor([prompt])
    options = dict(max_new_tokens=TOKENS, do_sample=False, pad_token_id=0, attention_mask=torch.ones_like(ids))
    with torch.no_grad():
        logits = model(ids).logits[0, -1]
        plain = GPT2LMHeadModel.from_pretrained(BASES[base], dtype=torch.float32).eval()(ids).logits[0, -1]
        assert (logits - plain).abs().max() > 0.05, (index, "the adapter changes little")
        greedy = model.generate(ids, **options)
        beams = model.generate(
            ids, num_beams=4, num_return_sequences=4, return_dict_in_generate=True, output_scores=True, **options
        )
    return {
        "base": base,
        "config": fields,
        "tensors": tensors,
        "prompt": prompt,
        "logits": base64.b64encode(logits.numpy().astype("<f4").tobytes()).decode(),
        "greedy": greedy[0, len(prompt) :].tolist(),
        "beams": beams.sequences[:, len(prompt) :].tolist(),
        "scores": beams.sequences_scores.tolist(),
    }


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cases = [make(index, fields) for index, fields in enumerate(CASES)]
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "lora.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
