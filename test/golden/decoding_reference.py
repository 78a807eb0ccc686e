"""Shared by the scripts that run searches: the model, prompts, end tokens, and retries."""

import pathlib

import torch
import transformers
from transformers import AutoTokenizer, GenerationConfig

HERE = pathlib.Path(__file__).parent
DEFAULT = HERE.parent.parent / "model-assets" / "default"
TIE = 1e-4
ATTEMPTS = 12
NOTHING = -1e6  # Lower scores are the search's placeholders for missing beams, divided by a length.

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
    """Loads the default checkpoint as a model of this class."""
    model = kind.from_pretrained(DEFAULT, dtype=torch.float32).eval()
    # transformers fills None fields of a GenerationConfig from the model's. It must not have the values of the
    # checkpoint's file.
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


def finish_reason(tokens, end, stopped, constraint):
    if tokens[-1] in end:
        return "eos"
    # The maximum length does not cut a whole text off.
    return "stop" if stopped or (constraint and constraint.accepts(tokens)) else "length"


def ends_inside(case):
    return any(one["finish_reason"] == "eos" for one in case["sequences"])


def choose(attempt_cases, attempts=ATTEMPTS):
    """
    Calls `attempt_cases(attempt)`, which returns `(cases, good)`, until the cases have no tie and are good. If no
    attempt succeeds, returns the cases with the fewest ties; none if no attempt found all of its cases.
    """
    best = None
    for attempt in range(attempts):
        found, good = attempt_cases(attempt)
        if None in found:
            continue
        rank = (sum("tie" not in case for case in found), good)
        if best is None or rank > best[0]:
            best = (rank, found)
        if rank == (len(found), True):
            break
    return best[1] if best else []
