"""Writes torch/*: files of `torch.save` in every form that the converter reads, and some that it must refuse.

    pip install torch==2.13.0 transformers==5.18.0 numpy
    python test/golden/make-torch-golden.py

All but nanoGPT's and gpt2/ contain the same small state dict, whose values test/support/torch-files.ts computes. torch/nanogpt.json
has the logits of the two nanoGPT checkpoints.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import warnings
from collections import OrderedDict

import numpy
import torch
import transformers

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent / "torch"
HERE.mkdir(exist_ok=True)

SHAPES = {"wte.weight": [6, 4], "wpe.weight": [5, 4], "ln_f.weight": [4], "h.0.attn.c_attn.weight": [4, 12]}


def values(index, shape):
    """Multiples of an eighth below 16, which every floating-point type has exactly."""
    count = math.prod(shape)
    return (torch.arange(count, dtype=torch.float32) * (2 * index + 3) % 251 / 8 - 15.5).reshape(shape)


def state_dict(dtype=torch.float32, prefix=""):
    return OrderedDict((prefix + name, values(i, shape).to(dtype)) for i, (name, shape) in enumerate(SHAPES.items()))


def save(name, value, **options):
    torch.save(value, HERE / f"{name}.bin", **options)


def save_forms():
    for protocol in (1, 2, 3, 4, 5):
        save(f"zip-protocol-{protocol}", state_dict(), pickle_protocol=protocol)
    for protocol in (1, 2, 4):
        save(f"legacy-protocol-{protocol}", state_dict(), pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    for name, dtype in {"f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}.items():
        save(f"zip-{name}", state_dict(dtype))
        save(f"legacy-{name}", state_dict(dtype), _use_new_zipfile_serialization=False)


def save_big_endian():
    """As a big-endian machine writes it."""
    swapped = OrderedDict()
    for name, tensor in state_dict().items():
        swapped[name] = torch.from_numpy(tensor.numpy().byteswap())
    order, sys.byteorder = sys.byteorder, "big"
    save("zip-big-endian", swapped)
    sys.byteorder = order
    loaded = torch.load(HERE / "zip-big-endian.bin")
    assert all(loaded[name].equal(tensor) for name, tensor in state_dict().items())


def strided():
    expected = state_dict()
    flat = torch.cat([tensor.flatten() for tensor in expected.values()])
    tensors, start = OrderedDict(), 0
    for name, tensor in expected.items():
        tensors[name] = flat[start : start + tensor.numel()].view(tensor.shape)
        start += tensor.numel()
    wte, wpe, ln_f, c_attn = tensors
    # A transposed matrix, every second row of a larger one, and every third element.
    tensors[c_attn] = expected[c_attn].t().contiguous().t()
    tensors[wpe] = torch.stack([expected[wpe], expected[wpe] + 1], 1).reshape(10, 4)[::2]
    tensors[ln_f] = torch.stack([expected[ln_f]] * 3, 1).flatten()[1::3]
    assert all(tensors[name].equal(tensor) for name, tensor in expected.items())
    tensors["expanded"] = torch.tensor([7.0]).expand(2, 3)
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.empty(0, 4)
    return tensors


def save_contents():
    save("zip-strided", strided())
    save("legacy-strided", strided(), _use_new_zipfile_serialization=False)
    parameters = OrderedDict((name, torch.nn.Parameter(tensor)) for name, tensor in state_dict().items())
    save("parameters", parameters)
    tagged = OrderedDict((name, torch.nn.Parameter(tensor)) for name, tensor in state_dict().items())
    for parameter in tagged.values():
        parameter.no_weight_decay = True
    save("parameters-with-attributes", tagged)
    named = state_dict()
    for tensor in named.values():
        tensor.tag = "a"
    save("tensors-with-attributes", named)
    buffers = state_dict()
    buffers["h.0.attn.bias"] = torch.tril(torch.ones(5, 5, dtype=torch.bool)).view(1, 1, 5, 5)
    buffers["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    buffers["position_ids"] = torch.arange(5)
    buffers["u8"] = torch.ones(3, dtype=torch.uint8)
    buffers["i32"] = torch.ones(3, dtype=torch.int32)
    # Without a storage class of its own.
    buffers["u16"] = torch.ones(3, dtype=torch.uint16)
    buffers["f8"] = torch.ones(3).to(torch.float8_e4m3fn)
    buffers["complex"] = torch.ones(3, dtype=torch.complex64)
    save("buffers", buffers)


def save_training():
    weights = torch.nn.ParameterDict({name.replace(".", "_"): tensor for name, tensor in state_dict().items()})
    optimizer = torch.optim.AdamW(weights.values())
    sum(weight.sum() for weight in weights.values()).backward()
    optimizer.step()
    beside = {
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "best_loss": torch.tensor(1e9),
        "loss": numpy.float64(3.5),
        "seed": 2**63 + 1,
        "args": argparse.Namespace(lr=1e-4, out=pathlib.PosixPath("out"), device=torch.device("cpu")),
        "dtype": torch.bfloat16,
        "shape": torch.Size([1, 2]),
        "rng": {"torch": torch.get_rng_state(), "numpy": numpy.random.RandomState(1).get_state()},
        "tags": {"a", "b"},
        "bytes": b"\x00\xff",
    }
    for protocol in (2, 4):
        save(f"training-protocol-{protocol}", {"model": state_dict(prefix="module."), **beside}, pickle_protocol=protocol)
    save("training-lightning", {"state_dict": state_dict(prefix="model.gpt2."), "epoch": 3, "hparams_name": None})
    save("training-compiled", {"model_state_dict": state_dict(prefix="_orig_mod.module.transformer."), "step": 9})
    save("training-two", {"model": state_dict(), "state_dict": state_dict()})
    save("training-nested", {"model": {"state_dict": state_dict(), "step": 9}, "optimizer": {"model": 3}})
    save("training-nested-two", {"model": {"state_dict": state_dict()}, "state_dict": state_dict()})
    save("training-none", {"epoch": 3, "optimizer": {}})
    save("training-empty", OrderedDict())
    torch.serialization.set_crc32_options(False)
    save("zip-without-checksums", state_dict())
    torch.serialization.set_crc32_options(True)


class Attack:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def save_attacks():
    command = f"touch {HERE / 'executed'}"
    for protocol in (1, 2, 4):
        save(f"attack-first-{protocol}", {"a": Attack(os.system, command), **state_dict()}, pickle_protocol=protocol)
    save("attack-last", {**state_dict(), "z": Attack(eval, "1 + 1")})
    legacy = {**state_dict(), "z": Attack(os.system, command)}
    save("attack-legacy", legacy, _use_new_zipfile_serialization=False)
    save("attack-exec", {"z": Attack(exec, "pass")})
    (HERE / "attack-plain.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    (HERE / "attack-instance.bin").write_bytes(b"(S'true'\nios\nsystem\n.")
    module = torch.nn.Linear(2, 2)
    torch.save(module, HERE / "module.bin")
    torch.jit.save(torch.jit.script(module), HERE / "script.bin")


class NanoGPT(torch.nn.Module):
    """The names and the arithmetic of nanoGPT's model.py: Linear layers, and norms whose biases are optional."""

    def __init__(self, n_layer, n_head, n_embd, block_size, bias, vocab_size, dropout=0.0):
        super().__init__()
        self.n_head = n_head
        norm = lambda: torch.nn.LayerNorm(n_embd, bias=bias)
        linear = lambda inputs, outputs: torch.nn.Linear(inputs, outputs, bias=bias)
        block = lambda: torch.nn.ModuleDict(
            {
                "ln_1": norm(),
                "attn": torch.nn.ModuleDict({"c_attn": linear(n_embd, 3 * n_embd), "c_proj": linear(n_embd, n_embd)}),
                "ln_2": norm(),
                "mlp": torch.nn.ModuleDict({"c_fc": linear(n_embd, 4 * n_embd), "c_proj": linear(4 * n_embd, n_embd)}),
            }
        )
        self.transformer = torch.nn.ModuleDict(
            {
                "wte": torch.nn.Embedding(vocab_size, n_embd),
                "wpe": torch.nn.Embedding(block_size, n_embd),
                "h": torch.nn.ModuleList([block() for _ in range(n_layer)]),
                "ln_f": norm(),
            }
        )
        self.lm_head = torch.nn.Linear(n_embd, vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, ids):
        parts = self.transformer
        x = parts.wte(ids) + parts.wpe(torch.arange(len(ids)))
        for block in parts.h:
            split = block.attn.c_attn(block.ln_1(x)).view(len(ids), 3, self.n_head, -1).permute(1, 2, 0, 3)
            y = torch.nn.functional.scaled_dot_product_attention(*split, is_causal=True)
            x = x + block.attn.c_proj(y.transpose(0, 1).flatten(1))
            x = x + block.mlp.c_proj(torch.nn.functional.gelu(block.mlp.c_fc(block.ln_2(x))))
        return self.lm_head(parts.ln_f(x))


def save_nanogpt():
    golden = {}
    for bias in (True, False):
        torch.manual_seed(1)
        arguments = dict(n_layer=2, n_head=2, n_embd=16, block_size=12, bias=bias, vocab_size=320, dropout=0.0)
        model = NanoGPT(**arguments)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, 0.5 if parameter.dim() == 1 else 0.0, 0.3)
        name = "nanogpt" if bias else "nanogpt-without-biases"
        prefix = "" if bias else "_orig_mod."
        weights = OrderedDict((prefix + key, tensor) for key, tensor in model.state_dict().items())
        checkpoint = {
            "model": weights,
            "optimizer": {"state": {}, "param_groups": [{"lr": 6e-4, "betas": (0.9, 0.95)}]},
            "model_args": arguments,
            "iter_num": 10,
            "best_val_loss": torch.tensor(1e9),
            "config": {"dataset": "openwebtext", "compile": not bias},
        }
        torch.save(checkpoint, HERE / f"{name}.pt")
        ids = [5, 300, 17, 256, 9, 42]
        with torch.no_grad():
            logits = model(torch.tensor(ids))[-1]
        golden[name] = {"ids": ids, "logits": [float(f"{value:.6g}") for value in logits]}
    (HERE / "nanogpt.json").write_text(json.dumps(golden) + "\n")


def save_checkpoint():
    """One model as safetensors, as one file of torch, and as two."""
    folder = HERE / "gpt2"
    folder.mkdir(exist_ok=True)
    torch.manual_seed(2)
    ends = dict(bos_token_id=299, eos_token_id=299)
    config = transformers.GPT2Config(n_layer=1, n_head=2, n_embd=16, n_positions=16, vocab_size=300, **ends)
    model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    tensors = model.state_dict()
    torch.save(tensors, folder / "pytorch_model.bin")
    shards = {f"pytorch_model-{i + 1:05}-of-00002.bin": OrderedDict(list(tensors.items())[i::2]) for i in range(2)}
    for name, part in shards.items():
        torch.save(part, folder / name)
    index = {"metadata": {}, "weight_map": {tensor: name for name, part in shards.items() for tensor in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


save_forms()
save_big_endian()
save_contents()
save_training()
save_attacks()
save_nanogpt()
save_checkpoint()
