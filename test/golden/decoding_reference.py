"""What the scripts that make decoding.json and diverse.json share: the model, the prompts, the ends, and the attempts."""

import pathlib

import torch
import transformers
from transformers import AutoTokenizer, GenerationConfig

HERE = pathlib.Path(__file__).parent
DEFAULT = HERE.parent.parent / "model-assets" / "default"
TIE = 1e-4
ATTEMPTS = 12
NOTHING = -1e8  # Scores below are the search's placeholders for "none".

TEXTS = [
    "Once upon a time",
    "One day, a little girl named Lily found a needle in her room.",
    "The old king had three sons,",
    '"Please," said the mouse,',
    "Tom and Anna went to the park. They saw a big dog. The dog was",
    "A",
    "<|endoftext|>",
    "The fox and the hen. The fox and the hen. The fox",
    "Es war einmal ein König, der hatte eine Tochter.",
    "She wanted to",
    "12345 67.89",
    "It was raining. Tom said,",
    "The sun, the moon and the",
    "\n\n",
    "In the forest there was a small house. In the small house there was a",
    "He ran",
]

transformers.logging.set_verbosity_error()
tokenizer = AutoTokenizer.from_pretrained(DEFAULT)
PROMPTS = [tokenizer(text)["input_ids"] for text in TEXTS]


def load(kind):
    """The default checkpoint as this class of model."""
    model = kind.from_pretrained(DEFAULT, dtype=torch.float32).eval()
    # What is None in a GenerationConfig comes from the model's: nothing of the checkpoint's file may.
    model.generation_config = GenerationConfig()
    return model


def token(text):
    (only,) = tokenizer(text)["input_ids"]
    return only


ENDS = [[token(end) for end in ends] for ends in (
    ["."], [","], [" the"], [".", ","], [" and"], [" a", "."], [" to"], [".", ",", " the"],
)]  # fmt: skip


def tokens_of(case):
    return [sequence["tokens"] for sequence in case["sequences"]]


def ends_inside(case):
    return any(one["finish_reason"] == "eos" for one in case["sequences"])


def choose(attempt_cases):
    """Of several attempts at some cases, `(cases, good)`, the first without a tie that is good; else the nearest to it."""
    best = None
    for attempt in range(ATTEMPTS):
        found, good = attempt_cases(attempt)
        if None in found:
            continue
        rank = (sum("tie" not in case for case in found), good)
        if best is None or rank > best[0]:
            best = (rank, found)
        if rank == (len(found), True):
            break
    return best[1]
