"""Writes test/golden/diverse.json: diverse beam search of transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-diverse-golden.py [folder]

Reads the default checkpoint. Since 4.57 the core of transformers has no diverse beam search: `generate()`
requires the recipe https://hf.co/transformers-community/group-beam-search, which this script runs. `folder`
is a local copy of it. The committed file was made with the recipe's generate.py and, as its beam_search.py,
that of the core of 4.57.6.

A case is as in decoding.json (see make-decoding-golden.py), with the options `num_beam_groups` and
`diversity_penalty`. The kinds:

  groups         numbers of beams and groups, every penalty and length penalty, three values of
                 `early_stopping`
  padding        a finished group contributes to the penalty (see below), which changes the result
  no end         no end token: all sequences have the maximum length
  a processor    alone with diverse beam search, and `several` of them

## The algorithm

Each of the G groups is its own beam search with S = num_beams / num_beam_groups beams, starting from the
prompt. In every step the groups run one after the other:

  1. Log-softmax, then all processors in order, `renormalize_logits` last. Then each token's score is reduced
     by `diversity_penalty` times the number of times that previous groups chose the token in this step. The
     recipe appends that to the finished list of processors; up to 4.56 it came between `sequence_bias` and
     `repetition_penalty`.
  2. The best `max(2, 1 + number of end tokens) * S` candidates of the group are ranked. A candidate with an
     end token among the first S becomes a hypothesis, with the score `sum / length ** length_penalty`, both
     including the end token. A lower one is dropped. The first S candidates without an end token continue.
     Only these count in step 1 of the following groups.
  3. The S best hypotheses are kept. A new one replaces the worst if it is better, not if it is equal.
  4. With S hypotheses a group is finished if `early_stopping` is true, or if its worst hypothesis is at least
     as good as the best candidate of this step, with an end token or not, could become: its sum divided by
     the power of the current length, or of `max_new_tokens` for "never" with a positive `length_penalty`.
     Plain beam search of 5.18 instead compares with the best continuing beam. So a group of one beam is
     finished as soon as its best candidate has an end token, since that candidate equals its own hypothesis.

Until all groups are finished, a finished group continues with S padding tokens per step. The padding token is
by default the first of `eos_token_id`, so that token has S more penalties for the following groups in each
step.

After the last step, including its end tokens, the S beams of each unfinished group join its hypotheses. Plain
beam search of 5.18 instead takes the best candidates of the last step, with end tokens or not.

The hypotheses of all groups are sorted together by score, and the best `num_return_sequences` are returned.
Of equal ones, those of the later group come first.

`score` and `token_logprobs` include the penalty. The recipe's `beam_indices` are wrong for all groups but the
first, so `compute_transition_scores` is wrong for them; this script reads the scores at the right indices.
The recipe also writes the first of `eos_token_id` for every end token; here `tokens` has the generated one.
Stop strings are not supported: the recipe loses the tokenizer.
"""

import itertools
import json

from decoding_reference import ENDS, HERE, choose, ends_inside, token, tokens_of, PROMPTS
from watched_groups import run

UNLIKELY = token("<|endoftext|>")
SHAPES = [(2, 2), (4, 2), (4, 4), (6, 3), (6, 2), (8, 4)]
DIVERSITY = [0.2, 0.5, 1.0, 5.0]
LENGTH = [-1.0, 0.0, 0.6, 1.0, 2.0]
STOPPING = [False, True, "never"]
cases = []


def add(kind, found):
    cases.extend({"kind": kind} | case for case in found)


def setup(number, attempt=0):
    """A prompt and options, all of which vary with the number."""
    num_beams, num_beam_groups = SHAPES[number % len(SHAPES)]
    options = {
        "max_new_tokens": 6 + (5 * number + 3 * attempt) % 11,
        "num_beams": num_beams,
        "num_beam_groups": num_beam_groups,
        "diversity_penalty": DIVERSITY[(number // len(SHAPES)) % len(DIVERSITY)],
        "length_penalty": LENGTH[number % len(LENGTH)],
        "num_return_sequences": 1 + (5 * number + number // len(SHAPES)) % num_beams,
        "eos_token_id": ENDS[(3 * number + attempt) % len(ENDS)],
    }
    return PROMPTS[(7 * number + attempt) % len(PROMPTS)], options


def add_groups():
    """`early_stopping` must change the result for half of the setups."""
    for number in range(2 * len(SHAPES) * len(DIVERSITY)):

        def attempt_cases(attempt):
            prompt, options = setup(number, attempt)
            found = [run(prompt, options | {"early_stopping": value}) for value in STOPPING]
            heuristic, eager, never = map(tokens_of, found)
            if number % 2 == 0:
                return found, heuristic != eager or heuristic != never
            return found, all(ends_inside(case) for case in found)

        add("groups", choose(attempt_cases))


def add_padding():
    for number in range(16):

        def attempt_cases(attempt):
            prompt, options = setup(number + attempt, attempt)
            options |= {"max_new_tokens": 16, "num_return_sequences": options["num_beams"]}
            options |= {"early_stopping": STOPPING[number % len(STOPPING)]}
            case = run(prompt, options)
            return [case], tokens_of(case) != tokens_of(run(prompt, options, padding=UNLIKELY))

        add("padding", choose(attempt_cases))


def add_without_end():
    for number in range(6):

        def attempt_cases(attempt):
            prompt, options = setup(number, attempt)
            del options["eos_token_id"]
            return [run(prompt, options)], True

        add("no end", choose(attempt_cases))


PROCESSORS = {
    "repetition_penalty": [lambda plain, end: {"repetition_penalty": 1.3}, lambda plain, end: {"repetition_penalty": 0.8}],
    "no_repeat_ngram_size": [lambda plain, end: {"no_repeat_ngram_size": 1}, lambda plain, end: {"no_repeat_ngram_size": 2}],
    "min_new_tokens": [lambda plain, end: {"min_new_tokens": 7}, lambda plain, end: {"min_new_tokens": len(plain)}],
    "bad_words_ids": [
        lambda plain, end: {"bad_words_ids": [plain[:1]]},
        lambda plain, end: {"bad_words_ids": [plain[1:3], plain[:2]]},
    ],
    "sequence_bias": [
        lambda plain, end: {"sequence_bias": [[plain[:1], -4.0], [[token(" dog")], 5.5]]},
        lambda plain, end: {"sequence_bias": [[plain[:2], -8.0], [end[:1], -1.0]]},
    ],
    "suppress_tokens": [
        lambda plain, end: {"suppress_tokens": [plain[0], plain[1]]},
        lambda plain, end: {"suppress_tokens": end[:1]},
    ],
    "begin_suppress_tokens": [lambda plain, end: {"begin_suppress_tokens": plain[:1]}],
    "exponential_decay_length_penalty": [lambda plain, end: {"exponential_decay_length_penalty": [3, 1.5]}],
    "forced_eos_token_id": [lambda plain, end: {"forced_eos_token_id": end[:1]}],
    "several": [
        lambda plain, end: {"repetition_penalty": 1.2, "renormalize_logits": True},
        lambda plain, end: {"bad_words_ids": [plain[:1], plain[1:3]], "renormalize_logits": True, "min_new_tokens": 5},
        lambda plain, end: {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2, "sequence_bias": [[plain[:1], 2.0]]},
        lambda plain, end: {"no_repeat_ngram_size": 1, "suppress_tokens": plain[:1], "remove_invalid_values": True},
    ],
}  # fmt: skip


def add_changed(kind, change, first):
    """
    A case with the options of `change(plain, end)`, where `plain` is the best sequence without them. They must
    change the result.
    """

    def attempt_cases(attempt):
        number = first + 5 * attempt
        prompt, options = setup(number, attempt)
        options |= {"max_new_tokens": 10, "early_stopping": STOPPING[number % len(STOPPING)]}
        without = run(prompt, options)
        plain = tokens_of(without)[0]
        if len(plain) < 3:
            return [None], False
        case = run(prompt, options | change(plain, options["eos_token_id"]))
        return [case], tokens_of(case) != tokens_of(without)

    add(kind, choose(attempt_cases))


def main():
    add_groups()
    add_padding()
    add_without_end()
    numbers = itertools.count()
    for kind, changes in PROCESSORS.items():
        for change, _ in itertools.product(changes, range(3)):
            add_changed(kind, change, next(numbers))
    data = {
        "made_by": "make-diverse-golden.py, transformers 5.18.0 with transformers-community/group-beam-search, torch 2.13.0, float32",
        "cases": cases,
    }
    file = HERE / "diverse.json"
    file.write_text(json.dumps(data, separators=(",", ":")) + "\n")
    print(file.name, len(cases), "cases,", sum("tie" in case for case in cases), "ties,", file.stat().st_size, "bytes")


main()
