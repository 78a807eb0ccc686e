"""Writes test/golden/decoding.json: `generate()` of Hugging Face transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-decoding-golden.py

Reads the default checkpoint. The cases: beam search with every combination of `num_beams`, `length_penalty`
and `early_stopping` after ten prompts each; every logits processor alone, several together, and stop strings,
in greedy and beam search.

A case has a prompt, options under the names of decoding/options/options.ts, and the resulting sequences, best
first: the generated tokens including the end token, the finish reason, and the log-probability of each token.
In beam search that is the transition score, and `score` is the score of the sequence. In greedy search it is
the normalized log-probability of the processed scores.

`margin` is the smallest difference that decided something: between the last continued beam and the first
dropped one, between the last kept hypothesis and the first dropped one, between two adjacent returned
sequences, or between the best attainable score and the worst hypothesis. If it is small, rounding may decide
the case differently. Such cases are marked `tie`, and replaced by others as far as possible.
"""

import itertools
import json

from decoding_reference import ENDS, HERE, PROMPTS, choose, ends_inside, token, tokenizer, tokens_of
from watched_beams import run

GRID_PROMPTS = 10


cases = []


def add(kind, found):
    cases.extend({"kind": kind} | case for case in found)


def add_grid():
    """
    Each setup with all three values of `early_stopping`, which must change the result for half of the setups.
    Each combination has `GRID_PROMPTS` distinct prompts.
    """
    penalties = (-1.0, 0.0, 0.6, 1.0, 2.0)
    for (i, num_beams), (j, length_penalty), repetition in itertools.product(
        enumerate((2, 3, 4, 5, 8)), enumerate(penalties), range(GRID_PROMPTS)
    ):
        kind = repetition % 4

        def attempt_cases(attempt):
            number = 5 * i + j
            shortest, longest = {0: (5, 14), 2: (12, 20)}.get(kind, (5, 11))
            options = {
                "max_new_tokens": shortest + (7 * number + 5 * repetition + 3 * attempt) % (longest - shortest + 1),
                "num_beams": num_beams,
                "length_penalty": length_penalty,
                "num_return_sequences": num_beams if kind in (0, 2) else 1,
                "eos_token_id": ENDS[(number + 3 * repetition + attempt) % len(ENDS)],
            }
            prompt = PROMPTS[(number + 7 * repetition) % len(PROMPTS)]
            found = [run(prompt, options | {"early_stopping": value}) for value in (False, True, "never")]
            if None in found:
                return found, False
            heuristic, eager, never = map(tokens_of, found)
            if kind == 0:
                return found, heuristic != eager
            if kind == 2 and length_penalty > 0:
                return found, heuristic != never
            return found, all(ends_inside(case) for case in found)

        add("beams", choose(attempt_cases))


MODES = [
    {},
    {"num_beams": 3},
    {"num_beams": 4, "length_penalty": 0.6, "early_stopping": "never", "num_return_sequences": 2},
    {"num_beams": 5, "length_penalty": 0.0, "early_stopping": True},
]


def add_changed(kind, change, mode, seed, *, effect=True):
    """
    A case with the options of `change(plain, end, prompt)`, where `plain` is the result without them. They must
    change the result, or must not if `effect` is false.
    """

    def attempt_cases(attempt):
        number = seed + 5 * attempt
        prompt, end = PROMPTS[number % len(PROMPTS)], ENDS[(number // 3) % len(ENDS)]
        options = {"max_new_tokens": 10 + (7 * number) % 16, "eos_token_id": end} | mode
        plain = run(prompt, options)
        if plain is None or len(tokens_of(plain)[0]) < 5:
            return [None], False
        case = run(prompt, options | change(tokens_of(plain)[0], end, prompt))
        return [case], case is not None and (tokens_of(case) != tokens_of(plain)) == effect

    add(kind, choose(attempt_cases))


PROCESSORS = {
    "repetition_penalty": [
        lambda plain, end, prompt: {"repetition_penalty": 1.3},
        lambda plain, end, prompt: {"repetition_penalty": 2.0},
        lambda plain, end, prompt: {"repetition_penalty": 0.8},
    ],
    "no_repeat_ngram_size": [
        lambda plain, end, prompt: {"no_repeat_ngram_size": 1},
        lambda plain, end, prompt: {"no_repeat_ngram_size": 2},
        lambda plain, end, prompt: {"no_repeat_ngram_size": 3},
    ],
    "bad_words_ids": [
        lambda plain, end, prompt: {"bad_words_ids": [plain[:1]]},
        lambda plain, end, prompt: {"bad_words_ids": [plain[1:4], plain[:2]]},
        # transformers ignores a bad word that is only the end token, but not one that ends with it.
        lambda plain, end, prompt: {"bad_words_ids": [end[:1], [prompt[-1], plain[0]], plain[-2:]]},
    ],
    "sequence_bias": [
        lambda plain, end, prompt: {"sequence_bias": [[[plain[1]], -4.0]]},
        lambda plain, end, prompt: {"sequence_bias": [[plain[:3], -8.0], [[token(" dog")], 5.5]]},
        lambda plain, end, prompt: {"sequence_bias": [[[prompt[-1], plain[0]], -2.5], [[token(" big"), token(" red")], 6.0], [end[:1], -1.0]]},
    ],
    "min_length": [
        lambda plain, end, prompt: {"min_length": len(prompt) + 8},
        lambda plain, end, prompt: {"min_length": len(prompt) + len(plain)},
    ],
    "min_new_tokens": [
        lambda plain, end, prompt: {"min_new_tokens": 7},
        lambda plain, end, prompt: {"min_new_tokens": len(plain)},
    ],
    "forced_eos_token_id": [
        lambda plain, end, prompt: {"forced_eos_token_id": end, "max_new_tokens": 5},
        lambda plain, end, prompt: {"forced_eos_token_id": [token("!")], "max_new_tokens": 6},
    ],
    "exponential_decay_length_penalty": [
        lambda plain, end, prompt: {"exponential_decay_length_penalty": [3, 1.5]},
        lambda plain, end, prompt: {"exponential_decay_length_penalty": [0, 1.1]},
    ],
    "suppress_tokens": [
        lambda plain, end, prompt: {"suppress_tokens": [plain[0], plain[2]]},
        lambda plain, end, prompt: {"suppress_tokens": end},
    ],
    "begin_suppress_tokens": [
        lambda plain, end, prompt: {"begin_suppress_tokens": plain[:1]},
        lambda plain, end, prompt: {"begin_suppress_tokens": [plain[0], plain[1], token(" and"), token(",")]},
    ],
    "stop_strings": [
        lambda plain, end, prompt: {"stop_strings": [tokenizer.decode(plain[2:4])]},
        lambda plain, end, prompt: {"stop_strings": ["no such text", tokenizer.decode(plain[1:4])[1:-1]]},
        lambda plain, end, prompt: {"stop_strings": [tokenizer.decode(plain[3:5])[1:3], "e"], "min_new_tokens": 4},
        lambda plain, end, prompt: {"stop_strings": [" was", " to", ", "]},
        # A stop string that begins in the prompt.
        lambda plain, end, prompt: {"stop_strings": [tokenizer.decode(prompt)[-2:] + tokenizer.decode(plain[:1])]},
    ],
}  # fmt: skip

WITHOUT_EFFECT = {
    "remove_invalid_values": [lambda plain, end, prompt: {"remove_invalid_values": True}],
    "renormalize_logits": [lambda plain, end, prompt: {"renormalize_logits": True}],
    "sampling options": [
        lambda plain, end, prompt: {"temperature": 0.3, "top_k": 1, "top_p": 0.5},
        lambda plain, end, prompt: {"min_p": 0.2, "typical_p": 0.5, "temperature": 3.0},
        lambda plain, end, prompt: {"epsilon_cutoff": 0.01, "eta_cutoff": 0.01, "top_h": 0.4},
    ],
}

SEVERAL = [
    lambda plain, end, prompt: {"repetition_penalty": 1.2, "no_repeat_ngram_size": 2},
    lambda plain, end, prompt: {"repetition_penalty": 1.2, "renormalize_logits": True},
    lambda plain, end, prompt: {"bad_words_ids": [plain[:1], plain[1:3]], "renormalize_logits": True, "min_new_tokens": 6},
    lambda plain, end, prompt: {"bad_words_ids": [plain[:2]], "remove_invalid_values": True, "repetition_penalty": 1.1},
    lambda plain, end, prompt: {"sequence_bias": [[plain[:1], -3.0]], "suppress_tokens": [plain[1]], "begin_suppress_tokens": [plain[2]]},
    lambda plain, end, prompt: {"min_length": len(prompt) + 9, "min_new_tokens": 4, "exponential_decay_length_penalty": [5, 1.4]},
    lambda plain, end, prompt: {"forced_eos_token_id": end[:1], "no_repeat_ngram_size": 2, "sequence_bias": [[end[:1], -5.0]]},
    lambda plain, end, prompt: {"repetition_penalty": 1.5, "sequence_bias": [[[plain[0]], 2.0]], "exponential_decay_length_penalty": [2, 1.2], "renormalize_logits": True},
    lambda plain, end, prompt: {"no_repeat_ngram_size": 1, "bad_words_ids": [[plain[2]]], "suppress_tokens": [plain[0]], "min_new_tokens": 8},
    lambda plain, end, prompt: {"repetition_penalty": 0.9, "no_repeat_ngram_size": 3, "bad_words_ids": [plain[1:3]], "sequence_bias": [[plain[:1], -1.5]], "min_length": len(prompt) + 5, "forced_eos_token_id": end[:1], "remove_invalid_values": True, "exponential_decay_length_penalty": [6, 1.3], "suppress_tokens": [plain[3]], "begin_suppress_tokens": [plain[0]], "renormalize_logits": True, "temperature": 0.5, "top_k": 2},
]  # fmt: skip


def main():
    add_grid()
    seed = itertools.count()
    for kind, changes in PROCESSORS.items():
        for change, mode in itertools.product(changes, MODES):
            add_changed(kind, change, mode, next(seed))
    for kind, changes in WITHOUT_EFFECT.items():
        for change, mode in itertools.product(changes, MODES):
            add_changed(kind, change, mode, next(seed), effect=False)
    for change, mode in itertools.product(SEVERAL, MODES[:3]):
        add_changed("several", change, mode, next(seed))
    for number, end in enumerate(ENDS):
        mode = {"num_beams": 3 + number % 4, "num_return_sequences": 1 + number % 3}
        add_changed("several ends", lambda plain, _, prompt: {"eos_token_id": [*end, plain[4], plain[2]]}, mode, next(seed))
    data = {"made_by": "make-decoding-golden.py, transformers 5.18.0, torch 2.13.0, float32", "cases": cases}
    file = HERE / "decoding.json"
    file.write_text(json.dumps(data, separators=(",", ":")) + "\n")
    print(file.name, len(cases), "cases,", sum("tie" in case for case in cases), "ties,", file.stat().st_size, "bytes")


main()
