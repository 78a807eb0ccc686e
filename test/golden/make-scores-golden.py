"""Writes log-likelihoods and perplexities of Hugging Face transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-scores-golden.py

Reads the default checkpoint. Writes test/golden/scores.json:

- `scores`: a prompt with choices, and of each choice the ids after the prompt's, and for each of these the
  log-probability, the rank in the vocabulary and the entropy of the prediction, in nats. The ids of a choice are
  those of prompt + choice, as in lm-evaluation-harness. Each choice is computed alone.
- `perplexities`: the sum over the windows of https://huggingface.co/docs/transformers/perplexity, and the number
  of tokens in it; `guide` is the number that the guide's own snippet prints, which gives each window after the
  first the weight of one token less than it has.
"""

import json
import math
import pathlib

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

HERE = pathlib.Path(__file__).parent
DEFAULT = HERE.parent.parent / "model-assets" / "default"

STORY = (
    "Once upon a time, in a small house near the woods, there lived a girl named Lucy and her old dog Max. "
    "Every morning they went out to the garden to see if the red flowers had grown, and to say hello to the birds."
)
SCORES = [
    ("Once upon a time there was a", [" little girl", " little boy", " girl", " table", " zebra!"]),
    (STORY, [" One day it rained.", " One day", " One day it rained so much that", "\n\nThe end."]),
    ("The cat sat on the ma", ["t", "ttress", "p of the world", "n's hat"]),
    ("The answer is: ", ["yes", "no", " maybe", "\u201cYes!\u201d"]),
    ("caf", ["\u00e9 au lait", "e", "\u00e9"]),
    ("", ["Once upon a time", "Once", "The dog ran.", "\U0001f600"]),
]
TEXT = " ".join([STORY, STORY.replace("Lucy", "Ben").replace("Max", "Spot")] * 5)
PERPLEXITIES = [(512, 256), (64, 64), (100, 37), (512, 512)]


def scored(model, context, ids):
    with torch.no_grad():
        rows = model(torch.tensor([context + ids])).logits[0].float()[len(context) - 1 : -1]
    logprobs = rows.log_softmax(-1)
    tokens = []
    for row, token in zip(logprobs, ids):
        tokens.append(
            {
                "logprob": round(float(row[token]), 6),
                "rank": int((row > row[token]).sum()) + 1,
                "entropy": round(float(-(row.exp() * row).sum()), 6),
            }
        )
    return tokens


def score(model, tokenizer, prompt, choices):
    prompt_ids = tokenizer(prompt).input_ids
    answers = []
    for choice in choices:
        whole = tokenizer(prompt + choice).input_ids
        shared = 0
        while shared < len(prompt_ids) and whole[shared] == prompt_ids[shared]:
            shared += 1
        context = whole[:shared] if prompt else [tokenizer.bos_token_id]
        ids = whole[shared:]
        answers.append({"choice": choice, "ids": ids, "tokens": scored(model, context, ids)})
    return {"prompt": prompt, "choices": answers}


def perplexity(model, ids, max_length, stride):
    exact, count = 0.0, 0
    guide_sum, guide_count = 0.0, 0
    prev_end_loc = 0
    for begin_loc in range(0, len(ids), stride):
        end_loc = min(begin_loc + max_length, len(ids))
        trg_len = end_loc - prev_end_loc
        input_ids = torch.tensor([ids[begin_loc:end_loc]])
        target_ids = input_ids.clone()
        target_ids[:, :-trg_len] = -100
        with torch.no_grad():
            loss = float(model(input_ids, labels=target_ids).loss)
        num_valid_tokens = int((target_ids != -100).sum())
        guide_sum += loss * (num_valid_tokens - 1)
        guide_count += num_valid_tokens - 1
        # The first label of a window is dropped; no other is.
        scored = int((target_ids[:, 1:] != -100).sum())
        exact += loss * scored
        count += scored
        prev_end_loc = end_loc
        if end_loc == len(ids):
            break
    return {
        "window": max_length,
        "stride": stride,
        "logprob": round(-exact, 4),
        "token_count": count,
        "guide": round(math.exp(guide_sum / guide_count), 5),
    }


def main():
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT)
    model = GPT2LMHeadModel.from_pretrained(DEFAULT, dtype=torch.float32).eval()
    ids = tokenizer(TEXT).input_ids
    data = {
        "made_by": "make-scores-golden.py, transformers 5.18.0, torch 2.13.0, float32",
        "scores": [score(model, tokenizer, prompt, choices) for prompt, choices in SCORES],
        "text": TEXT,
        "perplexities": [perplexity(model, ids, *sizes) for sizes in PERPLEXITIES],
    }
    path = HERE / "scores.json"
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    print(path.name, path.stat().st_size, len(ids), data["perplexities"])


main()
