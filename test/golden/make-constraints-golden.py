"""Writes test/golden/constraints.json: constrained texts of Hugging Face transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0 regex
    python test/golden/make-constraints-golden.py [folder]

Reads the default checkpoint. The constraints are those of constraint_languages.py, as `prefix_allowed_tokens_fn`. The
folder is that of make-diverse-golden.py.

A case is as in decoding.json (see make-decoding-golden.py), with the constraint as a source of
decoding/constraints/source.ts. The finish reason is "stop" if a text is whole at the maximum length. `allow_incomplete`
is left out where the maximum length has room for every text: transformers has no such option. The kinds:

  greedy, beams, groups   each constraint in each search
  the name of an option   which changes the result if it can. `exponential_decay_length_penalty` is left out: transformers
                          computes -inf + inf for an end that the constraint bans, and goes on with NaN;
                          `remove_invalid_values`, too: it allows what the constraint bans
  nothing left            a processor bans all tokens that the constraint allows. transformers chooses one of them then
  several ends            end tokens that are tokens of texts, too
  sampling                `answers`: the sequences that can be sampled, and their probabilities
  beam sampling           `answers`: the best sequences of `runs` runs, and their numbers

A search with fewer allowed tokens than beams goes on with copies of beams, whose scores are hopeless. They are left out
of a result. With `early_stopping: true` they count as finished, and end a search before all of its beams have
finished: there are no such cases here.
"""

import collections
import itertools
import json
import sys

import torch
from transformers import GenerationConfig

import watched_beams
import watched_groups
from constraint_languages import CONSTRAINTS
from decoding_reference import ENDS, HERE, PROMPTS, choose, ends_inside, token, tokenizer, tokens_of

END = [tokenizer.eos_token_id]
STOPPING = [False, True, "never"]
ALL = [(kind, constraint) for kind, constraints in CONSTRAINTS.items() for constraint in constraints]
LONG = 24
ATTEMPTS = 4


def run(prompt, options, constraint):
    search = watched_groups.run if options.get("num_beam_groups", 1) > 1 else watched_beams.run
    case = search(prompt, options, constraint=constraint)
    if case is None:
        return None
    return {"constraint": constraint.source} | case | {"options": ours(options, constraint)}


def ours(options, constraint):
    """One byte is one token at most."""
    choices = constraint.source.get("choices")
    has_room = choices and options["max_new_tokens"] > max(len(text.encode()) for text in choices)
    return options if has_room else options | {"allow_incomplete": True}


cases = []


def add(kind, found):
    cases.extend({"kind": kind} | case for case in found)
    print(f"{len(cases)} cases", end="\r", file=sys.stderr)


def add_searches(kind, constraint, number, searches):
    def attempt_cases(attempt):
        prompt = PROMPTS[(7 * number + attempt) % len(PROMPTS)]
        length = LONG if (number + attempt) % 3 else 4 + (number + attempt) % 5
        options = {"max_new_tokens": length, "eos_token_id": END}
        found = [run(prompt, options | search, constraint) for search in searches]
        return found, None not in found and any(map(ends_inside, found))

    add(kind, choose(attempt_cases, ATTEMPTS))


BEAMS = [(2, 1.0), (3, 0.0), (4, 0.6), (5, 1.0), (8, -1.0), (4, 2.0), (3, 1.0)]
GROUPS = [(2, 2), (4, 2), (4, 4), (6, 3), (6, 2)]
DIVERSITY = [0.2, 0.5, 1.0, 5.0]


def add_greedy():
    for number, (_, constraint) in enumerate([*ALL, *ALL]):
        add_searches("greedy", constraint, number, [{}])


def add_beams():
    for number, (_, constraint) in enumerate([*ALL, *ALL]):
        num_beams, length_penalty = BEAMS[number % len(BEAMS)]
        shape = {
            "num_beams": num_beams,
            "length_penalty": length_penalty,
            "num_return_sequences": 1 + 3 * number % num_beams,
        }
        # With `True`, copies of beams may end a search, and there is no case.
        for stopping in ([False, "never"], [True]):
            add_searches("beams", constraint, number, [shape | {"early_stopping": value} for value in stopping])


def add_groups():
    for number, (_, constraint) in enumerate(ALL):
        num_beams, num_beam_groups = GROUPS[number % len(GROUPS)]
        shape = {
            "num_beams": num_beams,
            "num_beam_groups": num_beam_groups,
            "diversity_penalty": DIVERSITY[(number // len(GROUPS)) % len(DIVERSITY)],
            "length_penalty": [1.0, 0.0, 0.6][number % 3],
            "num_return_sequences": 1 + 3 * number % num_beams,
            "early_stopping": STOPPING[number % len(STOPPING)],
        }
        add_searches("groups", constraint, number, [shape])


MODES = [
    {},
    {"num_beams": 4, "length_penalty": 0.6, "early_stopping": "never", "num_return_sequences": 2},
    {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5, "num_return_sequences": 2},
]

PROCESSORS = {
    "repetition_penalty": [lambda plain: {"repetition_penalty": 1.6}, lambda plain: {"repetition_penalty": 0.7}],
    "no_repeat_ngram_size": [lambda plain: {"no_repeat_ngram_size": 1}, lambda plain: {"no_repeat_ngram_size": 2}],
    "min_new_tokens": [lambda plain: {"min_new_tokens": len(plain) + 1}],
    "min_length": [lambda plain: {"min_length": 40}],
    "bad_words_ids": [lambda plain: {"bad_words_ids": [plain[:1]]}, lambda plain: {"bad_words_ids": [plain[1:3], plain[-2:]]}],
    "sequence_bias": [lambda plain: {"sequence_bias": [[plain[:1], -9.0], [plain[:2], 1.5], [END, -1.0]]}],
    "suppress_tokens": [lambda plain: {"suppress_tokens": plain[:1]}],
    "begin_suppress_tokens": [lambda plain: {"begin_suppress_tokens": plain[:1]}],
    "forced_eos_token_id": [lambda plain: {"forced_eos_token_id": END, "max_new_tokens": max(2, len(plain) - 2)}],
    "stop_strings": [lambda plain: {"stop_strings": [tokenizer.decode(plain[1:3])]}],
    "several": [
        lambda plain: {"repetition_penalty": 1.3, "renormalize_logits": True, "no_repeat_ngram_size": 3},
        lambda plain: {"bad_words_ids": [plain[:2]], "min_new_tokens": len(plain) + 1, "renormalize_logits": True},
        lambda plain: {"suppress_tokens": plain[:1], "no_repeat_ngram_size": 2, "repetition_penalty": 1.2},
    ],
}  # fmt: skip
# The banned tokens may be all that are left, which has its own cases.
OPEN = [ALL[i] for i in (1, 4, 8, 9, 11, 14, 15, 16, 18, 19, 22, 23, 24)]


def add_changed(kind, change, mode, first):
    """A case with the options of `change(plain)`, where `plain` is the best sequence without them."""

    def attempt_cases(attempt):
        number = first + 5 * attempt
        _, constraint = OPEN[number % len(OPEN)]
        prompt = PROMPTS[(3 * number) % len(PROMPTS)]
        options = {"max_new_tokens": 8 + number % 9, "eos_token_id": END} | mode
        without = run(prompt, options, constraint)
        plain = without and tokens_of(without)[0]
        if not plain or len(plain) < 3:
            return [None], False
        case = run(prompt, options | change(plain), constraint)
        return [case], case is not None and tokens_of(case) != tokens_of(without)

    add(kind, choose(attempt_cases, ATTEMPTS))


def add_processors():
    numbers = itertools.count()
    for kind, changes in PROCESSORS.items():
        for change, mode in itertools.product(changes, MODES):
            # The recipe loses the tokenizer.
            if kind != "stop_strings" or "num_beam_groups" not in mode:
                add_changed(kind, change, mode, next(numbers))


def add_nothing_left():
    """A processor bans what the constraint demands."""
    yes, one, bigger, object_ = ALL[0][1], ALL[5][1], ALL[6][1], ALL[18][1]
    brace = token("{")
    for mode, (constraint, banned) in itertools.product(
        MODES,
        [
            (yes, {"min_new_tokens": 8}),
            (one, {"min_length": 100}),
            (one, {"no_repeat_ngram_size": 1, "bad_words_ids": [[token(" and")], [token(" a")], [token(" an")], [token(" ")]]}),
            (bigger, {"min_new_tokens": 6, "num_return_sequences": 1}),
            (object_, {"bad_words_ids": [[brace]]}),
            (object_, {"sequence_bias": [[[brace], -3.0]], "min_new_tokens": 30, "max_new_tokens": 36}),
        ],
    ):  # fmt: skip
        options = {"max_new_tokens": 20, "eos_token_id": END} | mode | banned
        add("nothing left", choose(lambda attempt: ([run(PROMPTS[attempt], options, constraint)], True), ATTEMPTS))


def add_ends():
    for number, (end, mode) in enumerate(itertools.product(ENDS, MODES)):

        def attempt_cases(attempt):
            _, constraint = OPEN[(number + attempt) % len(OPEN)]
            options = {"max_new_tokens": 16, "eos_token_id": [*END, *end]} | mode
            case = run(PROMPTS[(5 * number + attempt) % len(PROMPTS)], options, constraint)
            return [case], case is not None and any(one["tokens"][-1] in end for one in case["sequences"])

        if number % 3 != 1:
            add("several ends", choose(attempt_cases, ATTEMPTS))


# Smaller probabilities are left out.
LEAST = 1e-3


def probabilities(prompt, options, constraint):
    """Of each sequence that sampling may give."""
    config = GenerationConfig(
        **options | {"do_sample": True, "max_new_tokens": 1},
        pad_token_id=END[0], return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    answers, open_ = [], [([], 1.0)]
    while open_:
        tokens, probability = open_.pop()
        if tokens and (tokens[-1] in END or len(tokens) == options["max_new_tokens"]):
            answers.append([tokens, round(probability, 6)])
            continue
        ids = torch.tensor([prompt + tokens])
        out = watched_beams.model.generate(
            ids, attention_mask=torch.ones_like(ids), generation_config=config,
            prefix_allowed_tokens_fn=constraint.after(prompt, END),
        )  # fmt: skip
        next_ = out.scores[0][0].softmax(-1)
        for id in next_.nonzero().flatten().tolist():
            if probability * float(next_[id]) > LEAST:
                open_.append(([*tokens, id], probability * float(next_[id])))
    return sorted(answers, key=lambda answer: -answer[1])


def add_sampling():
    warpers = [{}, {"temperature": 1.5}, {"top_k": 2}, {"top_p": 0.8, "temperature": 2.0}, {"top_k": 3, "repetition_penalty": 1.5}]
    for number, i in enumerate((0, 1, 6, 8, 17, 3)):
        _, constraint = ALL[i]
        prompt = PROMPTS[(3 * number + 4) % len(PROMPTS)]
        options = {"max_new_tokens": 12, "eos_token_id": END} | warpers[number % len(warpers)]
        with torch.no_grad():
            answers = probabilities(prompt, options, constraint)
        options = ours(options, constraint) | {"do_sample": True}
        cases.append({"kind": "sampling", "constraint": constraint.source, "prompt": prompt, "options": options, "answers": answers})


RUNS = 400


def add_beam_sampling():
    shapes = [
        {"num_beams": 2, "temperature": 4.0},
        {"num_beams": 3, "temperature": 6.0, "top_k": 4, "early_stopping": "never"},
    ]
    for number, i in enumerate((0, 1)):
        _, constraint = ALL[i]
        prompt = PROMPTS[(3 * number + 4) % len(PROMPTS)]
        options = {"max_new_tokens": 8, "eos_token_id": END, "do_sample": True} | shapes[number]
        config = GenerationConfig(**{"top_k": 0} | options, pad_token_id=END[0], return_dict_in_generate=True)
        ids = torch.tensor([prompt])
        counts = collections.Counter()
        torch.manual_seed(number)
        for _ in range(RUNS):
            watched_beams.model.watch()
            with torch.no_grad():
                out = watched_beams.model.generate(
                    ids, attention_mask=torch.ones_like(ids), generation_config=config,
                    prefix_allowed_tokens_fn=constraint.after(prompt, END),
                )  # fmt: skip
            tokens = out.sequences[0, len(prompt) :].tolist()
            counts[tuple(tokens[: tokens.index(END[0]) + 1] if END[0] in tokens else tokens)] += 1
        answers = [[list(tokens), count] for tokens, count in counts.most_common()]
        cases.append({
            "kind": "beam sampling", "constraint": constraint.source, "prompt": prompt,
            "options": ours(options, constraint), "answers": answers, "runs": RUNS,
        })  # fmt: skip


def main():
    # The model is so small that threads take longer to meet than to compute.
    torch.set_num_threads(1)
    add_greedy()
    add_beams()
    add_groups()
    add_processors()
    add_nothing_left()
    add_ends()
    add_sampling()
    add_beam_sampling()
    data = {
        "made_by": "make-constraints-golden.py, transformers 5.18.0 with transformers-community/group-beam-search, torch 2.13.0, float32",
        "cases": cases,
    }
    file = HERE / "constraints.json"
    file.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n")
    kinds = collections.Counter(case["kind"] for case in cases)
    print(file.name, len(cases), "cases,", sum("tie" in case for case in cases), "ties,", file.stat().st_size, "bytes", dict(kinds))


main()
