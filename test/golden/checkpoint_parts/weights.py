"""Writes a model's weights in each form in which they are found.

A function of `WEIGHTS` takes the folder and the model, and writes. Those of `FOREIGN` write what transformers does not
load as it is: there the model in memory is the reference. Weights are multiples of 1/32 below 4, which every storage
type holds exactly, so that all forms of a model have the same logits.
"""

import io
import json
import zipfile
from collections import OrderedDict

import numpy as np
import torch
from safetensors.torch import save_file

WEIGHTS = {}
FOREIGN = set()
BIN = "pytorch_model.bin"


def weights(function):
    WEIGHTS[function.__name__.replace("_", "-")] = function
    return function


def foreign(function):
    FOREIGN.add(function.__name__.replace("_", "-"))
    return weights(function)


def state(model, head=False):
    """The weights, without the tied head unless `head`."""
    return {
        name: tensor.detach()
        for name, tensor in model.state_dict().items()
        if head or name != "lm_head.weight" or not model.config.tie_word_embeddings
    }


def base_names(tensors):
    return {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}


def masks(model, dtype, masked=True):
    """The buffers of transformers before 4.31."""
    n, prefix = model.config.n_positions, "transformer.h"
    found = {}
    for layer in range(model.config.n_layer):
        found[f"{prefix}.{layer}.attn.bias"] = torch.tril(torch.ones(n, n)).to(dtype).view(1, 1, n, n)
        if masked:
            found[f"{prefix}.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    return found


# safetensors


@weights
def safetensors(folder, model):
    model.save_pretrained(folder)


@weights
def safetensors_sharded(folder, model):
    model.save_pretrained(folder, max_shard_size="10KB")


def safetensors_of(dtype):
    def write(folder, model):
        save_file({name: tensor.to(dtype).contiguous() for name, tensor in state(model).items()}, folder / "model.safetensors", {"format": "pt"})

    return write


WEIGHTS["safetensors-f16"] = safetensors_of(torch.float16)
WEIGHTS["safetensors-bf16"] = safetensors_of(torch.bfloat16)
WEIGHTS["safetensors-f64"] = safetensors_of(torch.float64)


@weights
def safetensors_mixed(folder, model):
    """Each tensor in another type, with mask buffers, a copy of the head, and base names."""
    types = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
    tensors = base_names(state(model)) | base_names(masks(model, torch.bool))
    mixed = {name: tensor.to(types[i % 4]) if tensor.dtype == torch.float32 else tensor for i, (name, tensor) in enumerate(tensors.items())}
    save_file({name: tensor.contiguous() for name, tensor in mixed.items()}, folder / "model.safetensors", {"format": "pt"})


@weights
def safetensors_head_only(folder, model):
    """The embedding is stored under the head's name."""
    tensors = state(model)
    tensors["lm_head.weight"] = tensors.pop("transformer.wte.weight")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"})


@weights
def safetensors_and_bin(folder, model):
    """safetensors win over a pytorch_model.bin with other weights."""
    safetensors(folder, model)
    torch.save({name: torch.zeros_like(tensor) for name, tensor in state(model, True).items()}, folder / BIN)


@weights
def safetensors_base(folder, model):
    """Saved as GPT2Model."""
    model.transformer.save_pretrained(folder)


# pytorch_model.bin


@weights
def bin(folder, model):
    """As transformers 4 saved it: the state dict with its metadata, the head sharing the embedding's storage."""
    torch.save(model.state_dict(), folder / BIN)


@weights
def bin_legacy(folder, model):
    torch.save(model.state_dict(), folder / BIN, _use_new_zipfile_serialization=False)


@weights
def bin_legacy_masks(folder, model):
    """As the first GPT-2s of the hub: the old format, base names, mask buffers."""
    tensors = base_names(state(model)) | base_names(masks(model, torch.uint8))
    torch.save(OrderedDict(sorted(tensors.items())), folder / BIN, _use_new_zipfile_serialization=False)


@weights
def bin_masks(folder, model):
    torch.save(state(model, True) | masks(model, torch.bool), folder / BIN)


@weights
def bin_sharded(folder, model):
    tensors = list(state(model, True).items())
    names = {}
    for shard in range(3):
        file = f"pytorch_model-{shard + 1:05}-of-00003.bin"
        part = dict(tensors[shard::3])
        torch.save(part, folder / file)
        names |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": names}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


@weights
def bin_sharded_legacy(folder, model):
    tensors = list(base_names(state(model)).items())
    names = {}
    for shard, part in enumerate((dict(tensors[:4]), dict(tensors[4:]))):
        file = f"pytorch_model-{shard + 1:05}-of-00002.bin"
        torch.save(part, folder / file, _use_new_zipfile_serialization=False)
        names |= dict.fromkeys(part, file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))


def bin_of(dtype, **options):
    def write(folder, model):
        torch.save({name: tensor.to(dtype) for name, tensor in state(model).items()}, folder / BIN, **options)

    return write


WEIGHTS["bin-f16"] = bin_of(torch.float16)
WEIGHTS["bin-bf16-legacy"] = bin_of(torch.bfloat16, _use_new_zipfile_serialization=False)
WEIGHTS["bin-f64"] = bin_of(torch.float64)


def strided(model):
    """Transposed and strided views, offsets into one storage, and a vector of one repeated number."""
    tensors, found = state(model), OrderedDict()
    flat = torch.cat([tensor.reshape(-1) for name, tensor in tensors.items() if name.endswith("bias")])
    offset = 0
    for number, (name, tensor) in enumerate(tensors.items()):
        if name.endswith("bias"):
            found[name] = flat[offset : offset + tensor.numel()].view(tensor.shape)
            offset += tensor.numel()
        elif tensor.dim() == 2 and number % 2:
            found[name] = tensor.t().contiguous().t()
        elif tensor.dim() == 2:
            wide = torch.full((tensor.shape[0] + 1, 2 * tensor.shape[1] + 3), 7.0)
            wide[1:, 1 : 1 + 2 * tensor.shape[1] : 2] = tensor
            found[name] = wide[1:, 1 : 1 + 2 * tensor.shape[1] : 2]
        else:
            found[name] = tensor
    return found


def repeat_bias(model):
    """The last norm's bias becomes one repeated number, stored once."""
    with torch.no_grad():
        model.transformer.ln_f.bias.fill_(0.25)
    return torch.tensor([0.25]).expand(model.config.n_embd)


@weights
def bin_strided(folder, model):
    repeated = repeat_bias(model)
    torch.save(strided(model) | {"transformer.ln_f.bias": repeated}, folder / BIN)


@weights
def bin_strided_legacy(folder, model):
    torch.save(strided(model), folder / BIN, _use_new_zipfile_serialization=False)


@weights
def bin_one_storage(folder, model):
    """All tensors are views of one storage, as flattened optimizers leave them."""
    tensors = state(model)
    flat, found, offset = torch.cat([tensor.reshape(-1) for tensor in tensors.values()]), {}, 0
    for name, tensor in tensors.items():
        found[name] = flat[offset : offset + tensor.numel()].view(tensor.shape)
        offset += tensor.numel()
    torch.save(found, folder / BIN)


@weights
def bin_parameters(folder, model):
    """Parameters instead of tensors, that require gradients."""
    torch.save(OrderedDict(model.named_parameters()), folder / BIN)


@weights
def bin_heads(folder, model):
    """GPT2DoubleHeadsModel's second head."""
    n = model.config.n_embd
    head = {"multiple_choice_head.summary.weight": torch.ones(1, n), "multiple_choice_head.summary.bias": torch.ones(1)}
    torch.save(state(model, True) | head, folder / BIN)


@weights
def bin_value_head(folder, model):
    """TRL's AutoModelForCausalLMWithValueHead."""
    n = model.config.n_embd
    torch.save(state(model, True) | {"v_head.summary.weight": torch.ones(1, n), "v_head.summary.bias": torch.ones(1)}, folder / BIN)


@weights
def safetensors_value_head(folder, model):
    n = model.config.n_embd
    tensors = state(model) | {"v_head.summary.weight": torch.ones(1, n), "v_head.summary.bias": torch.ones(1)}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


@weights
def bin_classifier(folder, model):
    """GPT2ForSequenceClassification: the head is the tied one."""
    tensors = {name: tensor for name, tensor in state(model).items()}
    torch.save(tensors | {"score.weight": torch.ones(2, model.config.n_embd)}, folder / BIN)


def rewritten(folder, model, change, skip=()):
    """A pytorch_model.bin whose records `change(name, bytes)` rewrites."""
    buffer = io.BytesIO()
    torch.save(OrderedDict(state(model, True)), buffer)
    with zipfile.ZipFile(buffer) as found, zipfile.ZipFile(folder / BIN, "w", zipfile.ZIP_STORED) as written:
        for name in found.namelist():
            if not name.endswith(skip):
                written.writestr(zipfile.ZipInfo(name.replace("archive/", "pytorch_model/")), change(name, found.read(name)))


@weights
def bin_old_zip(folder, model):
    """Without the records that torch added later."""
    rewritten(folder, model, lambda name, data: data, ("byteorder", ".format_version", ".storage_alignment", "serialization_id"))


@foreign
def bin_big_endian(folder, model):
    """Saved on a big-endian machine. transformers maps files into memory, and torch refuses that for these."""
    swap = lambda name, data: b"big" if name.endswith("byteorder") else np.frombuffer(data, "<f4").astype(">f4").tobytes() if "/data/" in name else data
    rewritten(folder, model, swap)


@weights
def bin_cuda(folder, model):
    """Saved on a GPU."""
    original = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: "cuda:1"
    try:
        bin_legacy(folder, model)
    finally:
        torch.serialization.location_tag = original


@weights
def bin_more(folder, model):
    """Buffers of integers, and heads of other classes, that the language model does not have."""
    more = {
        "transformer.position_ids": torch.arange(64).view(1, -1), "score.weight": torch.ones(3, model.config.n_embd), "score.bias": torch.ones(3),
        "classifier.weight": torch.ones(2, model.config.n_embd), "classifier.bias": torch.ones(2), "qa_outputs.weight": torch.ones(2, model.config.n_embd),
        "num_batches_tracked": torch.tensor(5),
    }  # fmt: skip
    torch.save(state(model, True) | more, folder / BIN)


# Wrapped by training scripts, and with prefixes: transformers' from_pretrained does not unwrap these.


def prefixed(prefix, tensors):
    return OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def wrapped(name, make):
    def write(folder, model):
        torch.save(make(model), folder / BIN)

    WEIGHTS[name] = write
    FOREIGN.add(name)


def optimizer_state(model):
    """What an optimizer saves: numbers, tensors and lists under integer keys."""
    tensors = list(state(model).values())[:3]
    entry = {i: {"step": torch.tensor(7.0), "exp_avg": t.clone(), "exp_avg_sq": t.clone()} for i, t in enumerate(tensors)}
    return {"state": entry, "param_groups": [{"lr": 3e-4, "betas": (0.9, 0.95), "eps": 1e-8, "amsgrad": False, "foreach": None, "params": [0, 1, 2]}]}


wrapped("wrapped-model", lambda model: {"epoch": 3, "model": state(model, True), "optimizer": optimizer_state(model), "loss": 1.5})
wrapped("wrapped-state-dict", lambda model: {
    "epoch": 0, "global_step": 10, "pytorch-lightning_version": "2.1.0", "state_dict": prefixed("model.", state(model, True)),
    "optimizer_states": [optimizer_state(model)], "lr_schedulers": [], "hyper_parameters": {"lr": 1e-3, "name": "gpt2"}, "loops": None,
})  # fmt: skip
wrapped("wrapped-model-state-dict", lambda model: {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer_state(model)})
wrapped("prefix-module", lambda model: prefixed("module.", state(model, True)))
wrapped("prefix-orig-mod", lambda model: prefixed("_orig_mod.", state(model, True)))
wrapped("prefix-both", lambda model: prefixed("module._orig_mod.", state(model, True)))
wrapped("prefix-model", lambda model: prefixed("model.", state(model, True)))
wrapped("prefix-gpt2", lambda model: prefixed("gpt2.", base_names(state(model))))
wrapped("wrapped-prefixed", lambda model: {"model": prefixed("module.", state(model, True)), "args": {"lr": 0.1, "steps": [1, 2]}})


@foreign
def prefix_module_safetensors(folder, model):
    tensors = prefixed("module.", state(model))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"})


LINEAR = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def nanogpt(model, prefix="", bias=True, **more):
    """karpathy/nanoGPT's ckpt.pt: Linear weights, exact GELU."""
    tensors = {
        prefix + name: tensor.t().contiguous() if name.endswith(LINEAR) else tensor
        for name, tensor in state(model, True).items()
        if bias or not name.endswith("bias")
    }
    config = model.config
    arguments = {
        "n_layer": config.n_layer, "n_head": config.n_head, "n_embd": config.n_embd, "block_size": config.n_positions, "bias": bias,
        "vocab_size": config.vocab_size, "dropout": 0.0,
    }  # fmt: skip
    return {
        "model": tensors, "optimizer": optimizer_state(model), "model_args": arguments, "iter_num": 2000, "best_val_loss": torch.tensor(1.6),
        "config": {"out_dir": "out", "learning_rate": 6e-4, "compile": True},
    } | more  # fmt: skip


@foreign
def nanogpt_ckpt(folder, model):
    torch.save(nanogpt(model, "_orig_mod."), folder / "ckpt.pt")
    (folder / "config.json").unlink()


@foreign
def nanogpt_no_bias(folder, model):
    """`bias=False`, without torch.compile, with mask buffers."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    saved = nanogpt(model, bias=False)
    saved["model"] |= masks(model, torch.float32, masked=False)
    torch.save(saved, folder / "ckpt.pt")
    (folder / "config.json").unlink()
