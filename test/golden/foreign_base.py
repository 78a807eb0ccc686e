"""The small GPT-2 that the files in foreign/ are made from, and how their tensors are described."""

import hashlib
import json
import pathlib

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

FOLDER = pathlib.Path(__file__).parent / "foreign"
BASE = FOLDER / "base"

MERGES = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("Ġ", "a")]
LINEAR = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def byte_symbols():
    """bytes_to_unicode() of GPT-2's encoder.py, from its definition."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols.update({byte: chr(0x100 + n) for n, byte in enumerate(others)})
    return [symbols[byte] for byte in range(256)]


def make_tokenizer():
    symbols = [*byte_symbols(), *("".join(pair) for pair in MERGES), "<|endoftext|>"]
    vocab = {token: id for id, token in enumerate(symbols)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<turn>", special=False, normalized=False)])
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end)


def make_model():
    torch.manual_seed(17)
    end = 256 + len(MERGES)
    config = GPT2Config(
        vocab_size=264, n_positions=32, n_embd=32, n_layer=2, n_head=4, bos_token_id=end, eos_token_id=end
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            gain = 1 if ".ln_" in name and name.endswith("weight") else 0
            # Of ten bits: exact in F16, BF16 is a rounding.
            parameter.copy_((gain + 0.2 * torch.randn(parameter.shape)).half().float())
    return model


def save_base():
    make_model().half().save_pretrained(BASE)
    make_tokenizer().save_pretrained(BASE)


def tensors_of(model):
    """Parameters by the names in a checkpoint, as float32."""
    return {
        name.removeprefix("transformer."): parameter.detach().float()
        for name, parameter in model.named_parameters()
    }


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().float().numpy().astype("<f4").tobytes()).hexdigest()


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")
