"""What transformers makes of a checkpoint: ids, texts, logits, and what it generates."""

import random

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from checkpoint_parts.texts import PROMPTS, TEXTS

NEW_TOKENS = 12
LONGEST_PROMPT = 24
MARGIN = 2e-3


class Noise(LogitsProcessor):
    """Moves every score by up to `MARGIN`, to see whether the result depends on rounding."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids, scores):
        return scores + (torch.rand(scores.shape, generator=self.generator) * 2 - 1) * MARGIN


def measure_tokenizer(tokenizer, seed=1):
    """The ids of all texts, and texts of ids. Fields that equal what they follow from are left out.

    ids      of TEXTS, with the template
    plain    without the template (`add_special_tokens=False`), where that differs: index of the text, ids
    split    with `split_special_tokens=True`, where that differs: index of the text, ids
    decode   [ids or the index of the text that has them, text, text with skip_special_tokens=True]
    """
    ids = tokenizer(TEXTS)["input_ids"]
    plain = tokenizer(TEXTS, add_special_tokens=False)["input_ids"]
    split = tokenizer(TEXTS, split_special_tokens=True)["input_ids"]
    rng = random.Random(seed)
    lists = [[i, own] for i, own in enumerate(ids) if own]
    lists += [[own, own] for own in [random_ids(rng, tokenizer) for _ in range(40)]]
    decoded = []
    for name, own in lists:
        text, without_special = tokenizer.decode(own), tokenizer.decode(own, skip_special_tokens=True)
        if not isinstance(name, int) or [text, without_special] != [TEXTS[name]] * 2:
            decoded.append([name, text] if text == without_special else [name, text, without_special])
    return {
        "length": len(tokenizer),
        "ids": ids,
        "plain": [[i, other] for i, other in enumerate(plain) if other != ids[i]],
        "split": [[i, other] for i, other in enumerate(split) if other != ids[i]],
        "decode": decoded,
    }


def random_ids(rng, tokenizer):
    """Ids of any tokens, special ones more often, and some beyond the vocabulary, as a padded model draws them."""
    special = sorted(set(tokenizer.all_special_ids) - {None}) or [0]
    count = len(tokenizer)
    beyond = 3 if tokenizer.is_fast else 0  # others have no text for them
    return [rng.choice([rng.randrange(count), rng.randrange(count), rng.choice(special), rng.randrange(count + beyond)]) for _ in range(rng.randint(1, 12))]


def prompts_of(tokenizer):
    return [tokenizer(text)["input_ids"][:LONGEST_PROMPT] for text in PROMPTS]


def ends_of(model):
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
    return [end for end in ends if end < model.config.vocab_size]


def run(model, prompt, ends, noise=None, **options):
    config = GenerationConfig(
        max_new_tokens=NEW_TOKENS, eos_token_id=ends or None, pad_token_id=0, do_sample=False,
        return_dict_in_generate=True, output_scores=True, **options
    )
    processors = LogitsProcessorList([Noise(noise)] if noise is not None else [])
    with torch.no_grad():
        found = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), generation_config=config, logits_processor=processors
        )
    return [cut(row.tolist()[len(prompt) :], ends) for row in found.sequences], found


def cut(tokens, ends):
    """Up to the first end, without padding."""
    for i, token in enumerate(tokens):
        if token in ends:
            return tokens[: i + 1]
    return tokens


def measure_model(model, prompts):
    """Cases of a model, or None if a result depends on rounding."""
    ends = ends_of(model)
    # transformers fills None fields of a GenerationConfig from the model's.
    model.generation_config = GenerationConfig()
    cases = []
    for prompt in prompts:
        with torch.no_grad():
            logits = model(torch.tensor([prompt])).logits[0, -1].double()
        (greedy,), _ = run(model, prompt, ends)
        beams = {"num_beams": 4, "num_return_sequences": 4}
        sequences, found = run(model, prompt, ends, **beams)
        for seed in range(4):
            if run(model, prompt, ends, seed)[0] != [greedy] or run(model, prompt, ends, seed, **beams)[0] != sequences:
                return None
        cases.append({
            "prompt": prompt,
            "logits": [round(float(value), 5) for value in logits[:: max(1, len(logits) // 16)]],
            "greedy": greedy,
            "beams": sequences,
            "scores": [round(float(score), 5) for score in found.sequences_scores],
        })  # fmt: skip
    return {"ends": ends, "cases": cases}


def is_varied(measured):
    """Whether greedy texts are more than one repeated token."""
    texts = [case["greedy"] for case in measured["cases"]]
    return len({token for text in texts for token in text}) >= 6 and len({tuple(text) for text in texts}) == len(texts)
