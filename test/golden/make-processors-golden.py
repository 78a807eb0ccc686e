"""Writes test/golden/processors.json: results of transformers' logits processors on random rows of scores.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-processors-golden.py

Input rows are not stored: `row` here and in test/golden/processors-golden.ts compute the same floats from a
seed, in 32-bit integers.

    truncations  [processor, parameter, minTokensToKeep, vocabSize, seed, odd, kept]: for each of ROWS rows,
                 whose kinds alternate, a bit per token in base64: whether its result is not -inf
    exact        [processor, parameters, vocabSize, length, seed, hashes]: a hash of the bits of each
                 resulting row
    logSoftmax   [vocabSize, kind, seed, floats in base64]
    lists        [options, eosTokenIds, [class, min_tokens_to_keep]]: the list of _get_logits_processor
    chains       [options, length, seed, rows]: the first resulting rows of such a list, floats in base64

All sequences begin with PROMPT tokens of prompt, and have at most MAX_LENGTH tokens. EOS is the end of text.
"""

import base64
import json
import math
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from transformers import GenerationConfig
from transformers.generation import GenerationMixin
from transformers.generation import logits_process as reference

KINDS = ["normal", "peaked", "flat", "ties", "banned", "negative"]
ROWS = 2 * len(KINDS)
PROMPT, MAX_LENGTH, EOS = 4, 12, [3]

rng = random.Random(2019)


def mixed(x: np.ndarray) -> np.ndarray:
    """A hash of 32-bit integers."""
    x = x.astype(np.uint32)
    x = (x ^ (x >> 16)) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> 15)) * np.uint32(0x735A2D97)
    return x ^ (x >> 15)


def row(kind: str, vocab_size: int, seed: int) -> np.ndarray:
    """Floats [vocab_size]: sums of four uniform numbers, exact in 18 bits, then transformed by kind."""
    index = np.arange(2 * vocab_size, dtype=np.uint32) + np.uint32((seed * 0x9E3779B1) % 2**32)
    bits = mixed(index).reshape(vocab_size, 2)
    halves = (bits & 0xFFFF).astype(np.int64) + (bits >> 16).astype(np.int64)
    # Approximately normal with a standard deviation of 1.15.
    normal = (halves.sum(axis=1) - 131070) / 2**15
    values = {
        "normal": normal * 2,
        "peaked": normal * 16,
        "flat": normal / 128,
        "ties": np.floor(normal * 2),
        "banned": np.where(bits[:, 0] % 3 == 0, -math.inf, normal * 2),
        "negative": normal * 2 - 12,
    }
    return values[kind].astype(np.float32)


def rows(vocab_size: int, seed: int) -> np.ndarray:
    return np.stack([row(KINDS[i % len(KINDS)], vocab_size, seed + i) for i in range(ROWS)])


def encoded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def fnv1a(array: np.ndarray) -> int:
    value = 0x811C9DC5
    # Gives NaN, which has many bit patterns, a single one, and makes -0 equal to 0.
    for word in np.where(np.isnan(array), np.float32(12345), array + np.float32(0)).view(np.uint32).tolist():
        value = ((value ^ word) * 0x01000193) & 0xFFFFFFFF
    return value


TRUNCATIONS = {
    "topK": (reference.TopKLogitsWarper, [1, 2, 3, 4, 5, 6, 40, 96, 97, 100, 999, 1000, 5000]),
    "topP": (reference.TopPLogitsWarper, [0.0, 0.05, 0.3, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.99999]),
    "minP": (reference.MinPLogitsWarper, [0.0, 0.001, 0.02, 0.05, 0.1, 0.3, 0.7, 0.95, 1.0]),
    "typicalP": (reference.TypicalLogitsWarper, [0.01, 0.1, 0.2, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999]),
    "epsilonCutoff": (reference.EpsilonLogitsWarper, [1e-6, 3e-4, 9e-4, 0.002, 0.01, 0.05, 0.2, 0.5, 0.99]),
    "etaCutoff": (reference.EtaLogitsWarper, [1e-6, 3e-4, 6e-4, 0.002, 0.01, 0.05, 0.2, 0.5, 0.99]),
    "topH": (reference.TopHLogitsWarper, [0.01, 0.1, 0.25, 0.4, 0.5, 0.7, 0.9, 0.99, 1.0]),
}
# These raise an error for rows whose softmax is undefined.
THROWING = ["etaCutoff", "topH"]


def odd(scores: np.ndarray) -> np.ndarray:
    """Replaces some scores by NaN and infinities."""
    scores = scores.copy()
    scores[0, 1:3] = math.nan
    scores[1, 0] = math.inf
    scores[2] = -math.inf
    scores[3, 0], scores[3, 1] = math.inf, -math.inf
    return scores


def truncations() -> list:
    cases = []
    for name, (warper, parameters) in TRUNCATIONS.items():
        for parameter in parameters:
            for vocab_size in [5, 97, 1000]:
                for keep in [1] if name == "topH" else [1, 2, 4]:
                    seed = rng.randrange(2**31)
                    options = {} if name == "topH" else {"min_tokens_to_keep": keep}
                    for make in [rows, odd_rows] if vocab_size == 5 and name not in THROWING else [rows]:
                        scores = torch.from_numpy(make(vocab_size, seed))
                        result = warper(parameter, **options)(None, scores).numpy()
                        # Not `> -inf`: the processors keep NaN.
                        kept = np.packbits(~(result == -math.inf), axis=1, bitorder="little")
                        case = [name, parameter, keep, vocab_size, seed, make is odd_rows, [encoded(line) for line in kept]]
                        cases.append(case)
    return cases


def odd_rows(vocab_size: int, seed: int) -> np.ndarray:
    return odd(rows(vocab_size, seed))


def with_end(scores: np.ndarray) -> np.ndarray:
    """Unbans the end of text: for a banned one only the reference's exponential decay yields NaN."""
    scores = scores.copy()
    scores[:, EOS] = np.maximum(scores[:, EOS], np.float32(-100))
    return scores


def sequences(vocab_size: int, length: int, seed: int) -> np.ndarray:
    """Tokens [ROWS, length] from at most 7 ids, so that they repeat."""
    index = np.arange(ROWS * length, dtype=np.uint32) + np.uint32(seed)
    return (mixed(index) % min(vocab_size, 7)).astype(np.int64).reshape(ROWS, length)


def exact() -> list:
    words = [[[0, 1, 2], 1.5], [[2], -0.7], [[1, 2], 0.3], [[4], math.pi], [[1, 2], -2.1], [[3, 3, 3, 3, 4], 5.0], [[0, 4], 0.1]]
    banned = [[0], [1, 2], [3], [2, 0, 1], [3, 4], [4, 3]]
    makers = {
        "sequenceBias": [[words], [[[[1], -100.0], [[0], 0.1]]]],
        "repetitionPenalty": [[p] for p in [0.3, 0.9, 1.1, 1.3, 2.0, 1e-3]],
        "noRepeatNgram": [[n] for n in [1, 2, 3, 4, 9, 20]],
        "badWords": [[banned, EOS], [[[3, 1]], EOS]],
        "minLength": [[n, [3, 1]] for n in [1, 5, 8, 9]],
        "minNewTokens": [[n, PROMPT, [3, 1]] for n in [1, 4, 5, 8]],
        "forcedEos": [[n, ids] for n in [6, 9, 12] for ids in [[3], [3, 1]]],
        "removeInvalidValues": [[]],
        "exponentialDecayLengthPenalty": [[p, PROMPT, EOS] for p in [[0, 1.05], [2, 1.6], [4, 2.0], [1, 0.9], [0, 1.0]]],
        "suppressTokens": [[[0, 4]], [[1]], [[2, 70000]]],
        "beginSuppressTokens": [[[0, 4], PROMPT]],
        "temperature": [[t] for t in [1e-3, 0.1, 0.7, 1.3, 3.0, 100.0]],
    }

    def processor(name: str, p: list):
        match name:
            case "sequenceBias":
                return reference.SequenceBiasLogitsProcessor(p[0])
            case "repetitionPenalty":
                return reference.RepetitionPenaltyLogitsProcessor(*p)
            case "noRepeatNgram":
                return reference.NoRepeatNGramLogitsProcessor(*p)
            case "badWords":
                return reference.NoBadWordsLogitsProcessor(*p)
            case "minLength":
                return reference.MinLengthLogitsProcessor(*p)
            case "minNewTokens":
                return reference.MinNewTokensLengthLogitsProcessor(p[1], p[0], p[2])
            case "forcedEos":
                return reference.ForcedEOSTokenLogitsProcessor(*p)
            case "removeInvalidValues":
                return reference.InfNanRemoveLogitsProcessor()
            case "exponentialDecayLengthPenalty":
                return reference.ExponentialDecayLengthPenalty(p[0], p[2], p[1])
            case "suppressTokens":
                return reference.SuppressTokensLogitsProcessor(p[0])
            case "beginSuppressTokens":
                return reference.SuppressTokensAtBeginLogitsProcessor(p[0], p[1])
            case _:
                return reference.TemperatureLogitsWarper(*p)

    cases = []
    for name, parameters in makers.items():
        for values in parameters:
            for vocab_size in [5, 97, 1000]:
                for length in [4, 5, 8, 11]:
                    seed = rng.randrange(2**31)
                    scores = rows(vocab_size, seed)
                    scores = with_end(scores) if name == "exponentialDecayLengthPenalty" else odd(scores)
                    tokens = torch.from_numpy(sequences(vocab_size, length, seed))
                    result = processor(name, values)(tokens, torch.from_numpy(scores)).numpy()
                    cases.append([name, values, vocab_size, length, seed, [fnv1a(line) for line in result]])
    return cases


def log_softmax() -> list:
    cases = []
    for vocab_size in [5, 97, 1000]:
        for kind in KINDS:
            for _ in range(1 if vocab_size == 1000 else 8):
                seed = rng.randrange(2**31)
                result = torch.from_numpy(row(kind, vocab_size, seed)).log_softmax(-1).numpy()
                cases.append([vocab_size, kind, seed, encoded(result)])
    return cases


CHOICES = {
    "sequence_bias": [[[[1, 2], 2.0], [[4], -1.5]]],
    "repetition_penalty": [1.0, 1.3, 0.8],
    "no_repeat_ngram_size": [0, 2, 3],
    "bad_words_ids": [[[0], [3], [1, 2]]],
    "min_length": [0, 6],
    "min_new_tokens": [0, 3],
    "forced_eos_token_id": [3, [3, 1]],
    "remove_invalid_values": [False, True],
    "exponential_decay_length_penalty": [[2, 1.5]],
    "suppress_tokens": [[5, 6]],
    "begin_suppress_tokens": [[2, 3]],
    "temperature": [1.0, 0.7, 1.5],
    "top_h": [0.4, 1.0],
    "top_k": [0, 1, 40],
    "top_p": [1.0, 0.9, 0.0],
    "min_p": [0.0, 0.05],
    "typical_p": [1.0, 0.8],
    "epsilon_cutoff": [0.0, 3e-3],
    "eta_cutoff": [0.0, 3e-3],
    "renormalize_logits": [False, True],
}


def processors(options: dict, eos: list[int]) -> reference.LogitsProcessorList:
    # Omitted options are neutral, regardless of the library's defaults.
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "typical_p": 1.0, "repetition_penalty": 1.0}
    config = GenerationConfig(**(neutral | options), max_length=MAX_LENGTH)
    config._eos_token_tensor = torch.tensor(eos) if eos else None
    model = SimpleNamespace(config=SimpleNamespace(is_encoder_decoder=False), _merge_criteria_processor_list=None)
    model._merge_criteria_processor_list = lambda default, custom: GenerationMixin._merge_criteria_processor_list(model, default, custom)
    return GenerationMixin._get_logits_processor(model, config, input_ids_seq_length=PROMPT, device="cpu")


def lists() -> list:
    searches = [{"do_sample": False, "num_beams": 1}, {"do_sample": True, "num_beams": 1}, {"do_sample": False, "num_beams": 3}, {"do_sample": True, "num_beams": 3}]
    single = [{name: value} for name, values in CHOICES.items() for value in values]
    several = [{name: rng.choice(CHOICES[name]) for name in rng.sample(list(CHOICES), rng.randint(2, 20))} for _ in range(80)]
    cases = []
    for options in single + several + [{}]:
        for search in searches if len(options) < 2 else [rng.choice(searches)]:
            # The exponential decay requires an end of text.
            eos = [] if rng.random() < 0.2 and "exponential_decay_length_penalty" not in options else EOS
            asked = search | options
            cases.append([asked, eos, [[type(p).__name__, getattr(p, "min_tokens_to_keep", None)] for p in processors(asked, eos)]])
    return cases


def chains() -> list:
    every = list(CHOICES)
    fixed = [
        {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2},
        {"temperature": 0.7, "top_k": 40, "top_p": 0.9},
        {"temperature": 1.5, "typical_p": 0.8, "renormalize_logits": True},
        {"top_h": 0.4, "min_p": 0.05},
        {"min_length": 9, "forced_eos_token_id": 3, "suppress_tokens": [5, 6]},
    ]
    mixtures = [{name: CHOICES[name][-1] for name in rng.sample(every, rng.randint(4, 12))} for _ in range(20)]
    cases = []
    for options in fixed + mixtures:
        # Exponential decay requires that no earlier processor bans the end of text.
        if "exponential_decay_length_penalty" in options:
            for name in ["min_length", "min_new_tokens", "no_repeat_ngram_size", "begin_suppress_tokens"]:
                options.pop(name, None)
        options = {"do_sample": True, "num_beams": rng.choice([1, 1, 3])} | options
        for length in [4, 7, 11]:
            seed = rng.randrange(2**31)
            tokens = torch.from_numpy(sequences(97, length, seed))
            result = processors(options, EOS)(tokens, torch.from_numpy(with_end(rows(97, seed))))
            cases.append([options, length, seed, [encoded(line) for line in result.numpy()[: len(KINDS)]]])
    return cases


def main() -> None:
    golden = {"truncations": truncations(), "exact": exact(), "logSoftmax": log_softmax(), "lists": lists(), "chains": chains()}
    Path(__file__).with_name("processors.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
