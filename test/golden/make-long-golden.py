"""Writes test/golden/long.json: texts longer than the context, by `generate()` of Hugging Face transformers 5.18.0.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-long-golden.py

The reference computes each step of a search from scratch, in float32 on the CPU and without a cache: the model sees the
first `keep` tokens of the text and its end, in positions from 0. Whenever more than `size` tokens would be seen, `discard`
tokens after the first `keep` are dropped for good. All else is transformers' own: its searches and processors see the
whole text.

The cases have the form of those in decoding.json, with options of `truncation`. `context` is the context of the model:
the checkpoint's own, or a smaller one, so that a text has many resets. Cases of the kind `fixed` have a random text, and
the model's log-probability of each of its tokens.
"""

import json
import random

import torch
from transformers import GenerationConfig

import watched_beams
from decoding_reference import DEFAULT, ENDS, HERE, PROMPTS, choose, token, tokens_of
from watched_beams import Watched, run

ODD = HERE / "odd-checkpoint"
OWN = ("truncation", "n_keep", "n_discard")


class Windowed(Watched):
    """Sees a window of each text."""

    window = None

    def forward(self, input_ids, **_):
        size, keep, discard = self.window
        dropped = discard * -(-max(0, input_ids.shape[1] - size) // discard)
        seen = torch.cat([input_ids[:, :keep], input_ids[:, keep + dropped :]], dim=1)
        return super().forward(input_ids=seen, use_cache=False)


def load(checkpoint):
    model = Windowed.from_pretrained(checkpoint, dtype=torch.float32).eval()
    model.generation_config = GenerationConfig()
    return model


models = {"default": load(DEFAULT), "odd": load(ODD)}
cases = []


def set_window(name, prompt, context, options):
    keep = min(options.get("n_keep", 0), len(prompt))
    keep = len(prompt) if keep < 0 else keep
    discard = options.get("n_discard", 0) or max(1, (context - keep) // 2)
    watched_beams.model = models[name]
    models[name].window = (context, keep, discard)


def long_case(name, prompt, context, options):
    set_window(name, prompt, context, options)
    transformers_options = {key: value for key, value in options.items() if key not in OWN} | {"use_cache": False}
    case = run(prompt, transformers_options)
    if case is None:
        return None
    return case | {"model": name, "context": context, "options": options}


def add(kind, name, context, prompt_of, options, attempts=8):
    """Adds the first case without a tie that `prompt_of(attempt)` leads to, in which a text is longer than the context."""

    def attempt_cases(attempt):
        prompt = prompt_of(attempt)
        case = long_case(name, prompt, context, {"truncation": "auto"} | options)
        is_long = case is not None and any(len(prompt) + len(tokens) > context for tokens in tokens_of(case))
        return [case], is_long

    cases.extend({"kind": kind} | case for case in choose(attempt_cases, attempts))
    print(len(cases), end=" ", flush=True)


draw = random.Random(19)
NEVER = [8000]  # A rare token.


def sentence(length):
    """A prompt of this length: the beginnings of stories, one after the other."""

    def prompt_of(attempt):
        tokens = [token for prompt in PROMPTS[attempt:] + PROMPTS for token in prompt]
        return (tokens * 9)[:length]

    return prompt_of


def odd_prompt(length):
    return lambda attempt: [random.Random(length + 100 * attempt).randrange(306) for _ in range(length)]


WINDOWS = [{}, {"n_keep": 5}, {"n_keep": 3, "n_discard": 7}, {"n_keep": -1}, {"n_discard": 1, "n_keep": 2}]
MODES = [
    {},
    {"num_beams": 2, "num_return_sequences": 2},
    {"num_beams": 3, "early_stopping": "never", "length_penalty": 0.6},
    {"num_beams": 4, "early_stopping": True, "num_return_sequences": 3},
    {"num_beams": 5, "length_penalty": 2.0},
]
PROCESSORS = [
    {"repetition_penalty": 1.3},
    {"no_repeat_ngram_size": 3},
    {"bad_words_ids": [[token(" the")], [token(" and"), token(" the")]]},
    {"sequence_bias": [[[token(" dog")], 2.5], [[token("."), token(" She")], 3.0]]},
    {"exponential_decay_length_penalty": (30, 1.02)},
    {"min_new_tokens": 30, "suppress_tokens": [token(",")]},
    {"renormalize_logits": True, "repetition_penalty": 1.1},
]


def add_all():
    for i, window in enumerate(WINDOWS):
        # Windows that drop a token at a time take long.
        for j, mode in enumerate(MODES[:1] if window.get("n_discard") == 1 else MODES):
            context = 16 + 4 * ((i + j) % 4)
            # Within the context, at its end, and beyond it, where not all of it is kept.
            lengths = [6, context, 3 * context + i] if window.get("n_keep") != -1 else [4, 9]
            length = lengths[(i + j) % len(lengths)]
            options = {"max_new_tokens": 50 + 3 * j, "eos_token_id": NEVER} | window | mode
            add("windows", "default", context, sentence(length), options)
    for i, processor in enumerate(PROCESSORS):
        for j in range(i % 2, 4, 2):
            mode = MODES[j]
            end = ENDS[(i + j) % len(ENDS)]
            window = WINDOWS[(i + j) % 3]
            options = {"max_new_tokens": 48, "min_new_tokens": 24, "eos_token_id": end} | window | mode | processor
            add("processors", "default", 20, sentence(8 + 6 * j), options)
    for mode in MODES:
        options = {"max_new_tokens": 110, "eos_token_id": [306], "n_keep": 10} | mode
        add("whole context", "odd", 96, odd_prompt(60), options, attempts=4)
    for length, options in ((480, {"n_keep": 100, "max_new_tokens": 60}), (506, {"num_beams": 2, "max_new_tokens": 20})):
        add("whole context", "default", 512, sentence(length), {"eos_token_id": NEVER} | options)


def add_fixed(name, context, length, options, vocabulary):
    text = [draw.randrange(vocabulary) for _ in range(length)]
    prompt, rest = text[: length // 4], text[length // 4 :]
    options = {"truncation": "auto", "max_new_tokens": len(rest)} | options
    set_window(name, prompt, context, options)
    model, logprobs = models[name], []
    with torch.no_grad():
        for end in range(len(prompt), length):
            logits = model(torch.tensor([text[:end]])).logits[0, -1]
            logprobs.append(round(float(logits.log_softmax(-1)[text[end]]), 5))
    cases.append(
        {"kind": "fixed", "model": name, "context": context, "prompt": prompt, "options": options}
        | {"tokens": rest, "logprobs": logprobs}
    )


add_all()
for number, window in enumerate(WINDOWS[:4]):
    add_fixed("default", 16 + 5 * number, 80, window, 8192)
add_fixed("odd", 96, 240, {"n_keep": 7}, 306)
add_fixed("odd", 96, 500, {"n_keep": 7, "n_discard": 80}, 306)

data = {"made_by": "make-long-golden.py, transformers 5.18.0, torch 2.13.0, float32", "cases": cases}
file = HERE / "long.json"
file.write_text(json.dumps(data, separators=(",", ":")) + "\n")
print()
print(file.name, len(cases), "cases,", sum("tie" in case for case in cases), "ties,", file.stat().st_size, "bytes")
