"""Writes golden logits of Hugging Face transformers 5.18.0 for the fields of GPT2Config, in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-network-golden.py

One set of random weights serves all cases: 30 wide, so that it can be divided among 1 to 30 heads, with an n_inner of 37
and an lm_head of its own. Its c_fc makes inputs of the activation from -40 to 40. Writes the weights to
test/golden/network-weights.safetensors, and the cases to test/golden/network.json.

A case has fields of config.json, the head that its checkpoint stores (none, one equal to wte, the other one, or the other
one without a wte), and the logits after the last token of each prompt (float32, base64). Each is what `from_pretrained`
loads of a folder with these files.
"""

import base64
import json
import pathlib
import tempfile

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.activations import ACT2FN

HERE = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=307, n_positions=32, n_embd=30, n_layer=3, n_head=5, n_inner=37, bos_token_id=306, eos_token_id=306)
# These have parameters of their own.
WITHOUT = {"prelu", "xielu"}


def make_weights():
    torch.manual_seed(17)
    model = GPT2LMHeadModel(GPT2Config(**SIZES, tie_word_embeddings=False))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 2.0 if "c_fc.weight" in name else 0.02 if "mlp.c_proj" in name else 0.2
            parameter.normal_(1.0 if "ln_" in name and "weight" in name else 0.0, scale)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def stored(weights, head):
    tensors = dict(weights)
    wte = tensors["transformer.wte.weight"]
    if head == "none":
        del tensors["lm_head.weight"]
    elif head == "equal":
        tensors["lm_head.weight"] = wte.clone()
    elif head == "only":
        del tensors["transformer.wte.weight"]
    return tensors


def logits(weights, prompts, fields, head):
    config = SIZES | fields
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **config}))
        save_file(stored(weights, head), folder / "model.safetensors", {"format": "pt"})
        # Only eager attention reads reorder_and_upcast_attn.
        model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        rows = [model(torch.tensor([ids])).logits[0, -1] for ids in prompts]
    return [base64.b64encode(row.numpy().tobytes()).decode() for row in rows]


def cases():
    for name in ACT2FN:
        if name not in WITHOUT:
            yield f"activation {name}", {"activation_function": name}, "none"
    for heads in (1, 2, 3, 6, 10, 15, 30):
        yield f"{heads} heads", {"n_head": heads}, "none"
    for epsilon in (0.0, 1e-12, 0.3):
        yield f"epsilon {epsilon}", {"layer_norm_epsilon": epsilon}, "none"
    yield "without scale", {"scale_attn_weights": False}, "none"
    yield "scale by layer", {"scale_attn_by_inverse_layer_idx": True}, "none"
    yield "scale by layer only", {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True}, "none"
    yield "reordered", {"reorder_and_upcast_attn": True, "scale_attn_by_inverse_layer_idx": True}, "none"
    yield "untied", {"tie_word_embeddings": False}, "other"
    yield "untied, stored tied", {"tie_word_embeddings": False}, "equal"
    yield "tied, stored untied", {}, "other"
    yield "tied, stored twice", {}, "equal"
    yield "tied, without wte", {}, "only"


def main():
    weights = make_weights()
    save_file(weights, HERE / "network-weights.safetensors", {"format": "pt"})
    generator = torch.Generator().manual_seed(19)
    prompts = [torch.randint(0, 307, (length,), generator=generator).tolist() for length in (1, 32)]
    data = {
        "made_by": "make-network-golden.py, transformers 5.18.0, torch 2.13.0, float32",
        "config": SIZES,
        "prompts": prompts,
        "cases": [
            {"name": name, "config": fields, "head": head, "logits": logits(weights, prompts, fields, head)}
            for name, fields, head in cases()
        ],
    }
    (HERE / "network.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")
    print(len(data["cases"]), (HERE / "network.json").stat().st_size)


main()
