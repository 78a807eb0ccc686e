"""Writes foreign/gpt2.gguf with llama.cpp's own package for GGUF, and what that package reads of it.

pip install gguf==0.19.0; then python test/golden/make-gguf-golden.py

The metadata and names are those of llama.cpp's convert_hf_to_gguf.py for GPT-2. The tensors are in all types
that the converter reads: the embedding in Q8_0, layer 0 in F16, layer 1 in BF16, the rest in F32.
"""

import gguf
import numpy
import torch

from foreign_base import FOLDER, LINEAR, MERGES, digest, make_model, make_tokenizer, save_base, tensors_of, write_json

TYPES = gguf.GGMLQuantizationType
NAMES = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def gguf_name(name):
    module, _, parameter = name.rpartition(".")
    if not module.startswith("h."):
        return f"{NAMES[module]}.{parameter}"
    _, layer, part = module.split(".", 2)
    return f"blk.{layer}.{NAMES[part]}.{parameter}"


def type_of(name):
    if name == "wte.weight":
        return TYPES.Q8_0
    if name.endswith(LINEAR):
        return TYPES.F16 if name.startswith("h.0.") else TYPES.BF16
    return TYPES.F32


def main():
    save_base()
    model, tokenizer = make_model(), make_tokenizer()
    config = model.config
    path = FOLDER / "gpt2.gguf"
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    tokens = {id: token for token, id in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    types = [
        gguf.TokenType.UNUSED
        if id not in tokens
        else gguf.TokenType.NORMAL
        if id not in added
        else gguf.TokenType.CONTROL
        if added[id].special
        else gguf.TokenType.USER_DEFINED
        for id in range(config.vocab_size)
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([tokens.get(id, f"[PAD{id}]") for id in range(config.vocab_size)])
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    # Arrays of other types, which the converter passes over.
    writer.add_array("general.tags", ["text-generation", "test"])
    writer.add_array("test.numbers", [1, 2, 3])

    for name, tensor in tensors_of(model).items():
        data = tensor.T.contiguous() if name.endswith(LINEAR) else tensor
        kind = type_of(name)
        writer.add_tensor(gguf_name(name), gguf.quants.quantize(data.numpy(), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    digests = {}
    for name, tensor in tensors_of(model).items():
        found = stored[gguf_name(name)]
        values = gguf.quants.dequantize(found.data, found.tensor_type).astype(numpy.float32)
        values = torch.from_numpy(numpy.ascontiguousarray(values))
        shape = tensor.T.shape if name.endswith(LINEAR) else tensor.shape
        values = values.reshape(shape)
        digests[name] = {
            "type": found.tensor_type.name,
            "sha256": digest(values.T if name.endswith(LINEAR) else values),
        }
    write_json(FOLDER / "gpt2-gguf.json", digests)


if __name__ == "__main__":
    main()
