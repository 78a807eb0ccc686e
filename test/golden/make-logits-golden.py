"""Writes golden logits and greedy continuations of Hugging Face transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-logits-golden.py

Reads the default checkpoint, and writes a second one to test/golden/odd-checkpoint: tiny random weights with
another vocabulary and context, n_inner other than 4 * n_embd, relu, `transformer.` names, attention mask
buffers, F32, in two shards. Writes test/golden/logits-default.json and test/golden/logits-odd.json.

A case has the token ids of its prompt, all logits after the last token (float32, base64), the 5 largest
logits of every `row_step`-th earlier row, and 100 greedy tokens (fewer at the end of the context; end-of-text
does not stop).
"""

import base64
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

HERE = pathlib.Path(__file__).parent
DEFAULT = HERE.parent.parent / "model-assets" / "default"
ODD = HERE / "odd-checkpoint"


def rows(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def greedy(model, ids, limit):
    # Not generate(): the argmax of the model's own logits, without its processors and stopping rules.
    ids, out = list(ids), []
    cache, feed = None, ids
    while len(out) < 100 and len(ids) < limit:
        with torch.no_grad():
            result = model(torch.tensor([feed]), past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        row = result.logits[0, -1]
        best = int(row.argmax())
        second = float(row.topk(2).values[1])
        out.append((best, float(row[best]) - second))
        ids.append(best)
        feed = [best]
    return out


def golden(model, prompts, limit):
    cases = []
    for ids in prompts:
        logits = rows(model, ids)
        tops = [
            [[int(i), round(float(v), 5)] for v, i in zip(*row.topk(5))]
            for row in logits[:-1][:: max(1, (len(ids) - 1) // 16)]
        ]
        step = max(1, (len(ids) - 1) // 16)
        steps = greedy(model, ids, limit)
        cases.append(
            {
                "ids": ids,
                "last_row": base64.b64encode(logits[-1].numpy().tobytes()).decode(),
                "row_step": step,
                "top5": tops,
                "greedy": [token for token, _ in steps],
                "smallest_margin": min((margin for _, margin in steps), default=None),
            }
        )
    return cases


def write(name, model, prompts, limit):
    data = {
        "made_by": "make-logits-golden.py, transformers 5.18.0, torch 2.13.0, float32",
        "cases": golden(model, prompts, limit),
    }
    (HERE / name).write_text(json.dumps(data, separators=(",", ":")) + "\n")
    print(name, len(data["cases"]), (HERE / name).stat().st_size)


def default_golden():
    model = GPT2LMHeadModel.from_pretrained(DEFAULT, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT)
    texts = [
        "Once upon a time",
        "One day, a little girl named Lily found a needle in her room.",
        "The old king had three sons,",
        '"Please," said the mouse,',
        "Tom and Anna went to the park. They saw a big dog. The dog was",
        "Once upon a time there lived in a great forest a poor woodcutter with his wife and his two children.",
        "A",
        "\n\n",
        "12345 67.89",
        "def main():\n    print('hello')\n",
        "Es war einmal ein König, der hatte eine Tochter.",
        "日本語のテキスト",
        "The fox " * 40,
    ]
    prompts = [tokenizer(text)["input_ids"] for text in texts]
    prompts.append([8191])
    generator = torch.Generator().manual_seed(7)
    for length in (1, 2, 3, 17, 63, 64, 65, 128, 200, 400, 511, 512):
        prompts.append(torch.randint(0, 8192, (length,), generator=generator).tolist())
    write("logits-default.json", model, prompts, 512)


def odd_golden():
    torch.manual_seed(11)
    config = GPT2Config(
        vocab_size=307, n_positions=96, n_embd=60, n_layer=3, n_head=5, n_inner=100,
        activation_function="relu", layer_norm_epsilon=1e-4, bos_token_id=306, eos_token_id=306,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "ln_" in name and "weight" in name else 0.0, 0.15)
    shutil.rmtree(ODD, ignore_errors=True)
    ODD.mkdir()
    (ODD / "config.json").write_text(json.dumps(config.to_diff_dict() | {"model_type": "gpt2"}, indent=2) + "\n")
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    for layer in range(config.n_layer):
        mask = torch.tril(torch.ones(96, 96, dtype=torch.uint8)).view(1, 1, 96, 96)
        state[f"transformer.h.{layer}.attn.bias"] = mask
        state[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    names = sorted(state)
    weight_map = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, ODD / file, {"format": "pt"})
        weight_map |= {name: file for name in part}
    index = {"metadata": {}, "weight_map": weight_map}
    (ODD / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    write_vocabulary()
    generator = torch.Generator().manual_seed(13)
    lengths = (1, 2, 3, 5, 8, 13, 16, 17, 31, 32, 33, 48, 63, 64, 65, 72, 80, 90, 95, 96)
    prompts = [torch.randint(0, 307, (length,), generator=generator).tolist() for length in lengths]
    write("logits-odd.json", model, prompts, 96)


def write_vocabulary():
    """256 byte symbols, 50 merges of two lower-case letters, and end of text."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    pairs = [(a, b) for a in "etaoinshrd" for b in "aeiou"][:50]
    vocabulary = symbols + [a + b for a, b in pairs] + ["<|endoftext|>"]
    (ODD / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}, ensure_ascii=False) + "\n")
    (ODD / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs))


default_golden()
odd_golden()
