"""Writes a model and its tokenizer in the formats of other projects: GGUF, and PEFT's adapters."""

import json

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from checkpoint_parts.vocabularies import write_json
from checkpoint_parts.weights import FOREIGN, WEIGHTS, state

GGUF_NAMES = {
    "ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}  # fmt: skip


def gguf_name(name):
    top = {"transformer.wte.weight": "token_embd.weight", "transformer.wpe.weight": "position_embd.weight", "lm_head.weight": "output.weight"}
    if name in top:
        return top[name]
    name = name.removeprefix("transformer.")
    if name.startswith("ln_f"):
        return name.replace("ln_f", "output_norm")
    _, layer, rest = name.split(".", 2)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{GGUF_NAMES[module]}.{kind}"


def write_gguf(folder, model, kind, head):
    """As llama.cpp's convert_hf_to_gguf.py: matrices in `kind`, vectors in F32, the tokenizer in the metadata."""
    import gguf

    vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    config = model.config
    writer = gguf.GGUFWriter(str(folder / "model.gguf"), "gpt2")
    writer.add_name("golden")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_file_type(getattr(gguf.LlamaFileType, {"F32": "ALL_F32"}.get(kind, f"MOSTLY_{kind}")))
    tokens = [token for token, _ in sorted(vocab.items(), key=lambda item: item[1])]
    padding = [f"[PAD{i}]" for i in range(len(tokens), config.vocab_size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens + padding)
    types = [gguf.TokenType.CONTROL if token.startswith("<|") else gguf.TokenType.NORMAL for token in tokens]
    writer.add_token_types(types + [gguf.TokenType.UNUSED] * len(padding))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    loaded = {}
    for name, tensor in state(model, head).items():
        linear = name.endswith("weight") and ".attn." in name + "." or ".mlp." in name and name.endswith("weight")
        values = (tensor.t() if linear else tensor).contiguous().numpy()
        type_ = getattr(gguf.GGMLQuantizationType, kind if values.ndim == 2 and "wpe" not in name else "F32")
        data = gguf.quants.quantize(values, type_)
        writer.add_tensor(gguf_name(name), data, raw_dtype=type_)
        back = torch.from_numpy(np.array(gguf.quants.dequantize(data, type_), dtype=np.float32).reshape(values.shape))
        loaded[name] = back.t() if linear else back
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for name in ("vocab.json", "merges.txt", "config.json"):
        (folder / name).unlink()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(loaded[name])


def gguf(name, kind, head=False):
    WEIGHTS[name] = lambda folder, model: write_gguf(folder, model, kind, head)
    FOREIGN.add(name)


gguf("gguf-f32", "F32", head=True)
gguf("gguf-f16", "F16")
gguf("gguf-bf16", "BF16")
gguf("gguf-q8-0", "Q8_0")


def lora(name, save_bin=False, **options):
    def write(folder, model):
        """The base in base/, the adapter beside it; the model becomes the merged one."""
        from peft import LoraConfig, get_peft_model

        base = folder / "base"
        base.mkdir()
        model.save_pretrained(base)
        (base / "generation_config.json").unlink()
        for path in list(folder.iterdir()):
            if path.is_file():
                path.rename(base / path.name)
        fields = {"r": 3, "lora_alpha": 6, "target_modules": ["c_attn"], "fan_in_fan_out": True, "task_type": "CAUSAL_LM"}
        adapted = get_peft_model(GPT2LMHeadModel.from_pretrained(base), LoraConfig(**(fields | options))).eval()
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter_name, parameter in adapted.named_parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.empty(parameter.shape).normal_(0, 0.3, generator=generator))
        adapted.save_pretrained(folder, safe_serialization=not save_bin)
        (folder / "README.md").unlink(missing_ok=True)
        config = json.loads((folder / "adapter_config.json").read_text())
        write_json(folder / "adapter_config.json", config | {"base_model_name_or_path": "someone/base"})
        merged = adapted.merge_and_unload()
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                parameter.copy_(merged.state_dict()[parameter_name])
            if not torch.equal(merged.lm_head.weight, merged.transformer.wte.weight):
                model.lm_head.weight = torch.nn.Parameter(merged.lm_head.weight.clone())

    WEIGHTS[name] = write
    FOREIGN.add(name)


lora("lora")
lora("lora-bin", save_bin=True, target_modules=["c_attn", "c_proj", "c_fc"], lora_alpha=5)
lora("lora-rslora", use_rslora=True, r=4, target_modules="all-linear")
lora("lora-dora", use_dora=True)
lora("lora-patterns", target_modules=["c_attn", "mlp.c_proj"], rank_pattern={"h.0.attn.c_attn": 2}, alpha_pattern={"mlp.c_proj": 9})
lora("lora-layers", target_modules=["c_attn", "c_fc"], layers_to_transform=[1], bias="lora_only")
lora("lora-modules-to-save", modules_to_save=["ln_f"], bias="all")
lora("lora-embedding", target_modules=["wte", "c_attn"], fan_in_fan_out=False)
