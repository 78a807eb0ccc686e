"""
Runs diverse beam search of transformers, and tells how certain the result is. The recipe
https://hf.co/transformers-community/group-beam-search, or a local copy of it, whose folder is the script's argument.
"""

import functools
import itertools
import math
import sys

import torch
import transformers
from transformers import GenerationConfig, GPT2LMHeadModel

from decoding_reference import NOTHING, TIE, finish_reason, load

RECIPE = sys.argv[1] if len(sys.argv) > 1 else "transformers-community/group-beam-search"
model = load(GPT2LMHeadModel)
VOCAB = model.config.vocab_size
generate = model.load_custom_generate(RECIPE, trust_remote_code=True)
recipe = generate.__globals__


class WatchedPenalty(recipe["HammingDiversityLogitsProcessor"]):
    """Keeps the processed scores, for candidates that the scorer does not receive."""

    def __call__(self, input_ids, scores, current_tokens, beam_group_idx):
        WatchedPenalty.processed = super().__call__(input_ids, scores, current_tokens, beam_group_idx)
        return WatchedPenalty.processed


class WatchedScorer(recipe["BeamSearchScorer"]):
    """
    Records the smallest margin of the decisions. Replaces the `beam_indices` of hypotheses by the indices of
    their tokens in the flattened scores of each step: row * vocabulary + token.
    """

    def __init__(self, **given):
        super().__init__(**given)
        WatchedScorer.last = self
        self.margin = math.inf
        # Whether copies of beams have filled a group, which ends it with `early_stopping: true`.
        self.ended_by_copies = False
        self.paths = [[()] * self.group_size for _ in range(self.num_beam_groups)]
        self.running = [torch.tensor([0.0] + [-1e9] * (self.group_size - 1)) for _ in self.paths]
        for hypotheses in self._beam_hyps:
            hypotheses.add = functools.partial(self._add, hypotheses, hypotheses.add)

    def note(self, scores, place):
        """`place`: rank of the first score that the decision drops."""
        scores = sorted((score for score in scores if score > NOTHING), reverse=True)
        if place < len(scores):
            self.margin = min(self.margin, scores[place - 1] - scores[place])

    def _add(self, hypotheses, add, tokens, score, beam_indices, generated_len):
        normalized = score / generated_len**hypotheses.length_penalty
        self.note([kept for kept, *_ in hypotheses.beams] + [normalized], self.group_size)
        add(tokens, score, beam_indices=next(self._added), generated_len=generated_len)

    def process(self, input_ids, next_scores, next_tokens, next_indices, *, group_index, eos_token_id, **given):
        size, paths = self.group_size, self.paths[group_index]
        totals = WatchedPenalty.processed + self.running[group_index].unsqueeze(-1)
        values, places = totals.flatten().topk(next_scores.shape[-1] + 1)
        # Equal scores, of missing beams, may come in another order here.
        rows = next_indices[0].tolist() + [int(places[-1]) // VOCAB]
        tokens = next_tokens[0].tolist() + [int(places[-1]) % VOCAB]
        extended = [paths[row] + ((group_index * size + row) * VOCAB + token,) for row, token in zip(rows, tokens)]
        ends = [eos_token_id is not None and token in eos_token_id for token in tokens]
        self._added = iter([path for path, end in zip(extended[:size], ends) if end])
        if not (done := bool(self._done[group_index])):
            assert torch.equal(values[:-1], next_scores[0])
            values = values.tolist()
            self.note([value for value, end in zip(values, ends) if not end], size)
            if ends[size - 1] or ends[size]:
                self.note(values[size - 1 : size + 1], 1)
        given |= {"group_index": group_index, "eos_token_id": eos_token_id}
        result = super().process(input_ids, next_scores, next_tokens, next_indices, **given)
        self.running[group_index] = result["next_beam_scores"]
        self.paths[group_index] = [
            paths[row] + ((group_index * size + row) * VOCAB + token,)
            for row, token in zip(result["next_beam_indices"].tolist(), result["next_beam_tokens"].tolist())
        ]
        if not done:
            hypotheses = self._beam_hyps[group_index]
            self._note_guess(hypotheses, values[0], len(paths[0]) + 1)
            copies = len(hypotheses) == size and hypotheses.worst_score < NOTHING
            self.ended_by_copies |= copies and self.do_early_stopping is True and float(self.running[group_index].max()) > NOTHING
        return result

    def _note_guess(self, hypotheses, best, length):
        if len(hypotheses) < self.group_size or self.do_early_stopping is True:
            return
        if self.do_early_stopping == "never" and self.length_penalty > 0:
            length = self.longest
        difference = abs(hypotheses.worst_score - best / length**self.length_penalty)
        # 0: the best candidate is the new worst hypothesis, so the group is certainly finished.
        if difference > 0:
            self.margin = min(self.margin, difference)

    def finalize(self, *given, **named):
        open_ = (paths for paths, done in zip(self.paths, self._done) if not done)
        self._added = itertools.chain.from_iterable(open_)
        result = super().finalize(*given, **named)
        pool = [score for hypotheses in self._beam_hyps for score, *_ in hypotheses.beams]
        for place in range(1, self.num_beam_hyps_to_keep + 1):
            self.note(pool, place)
        return result


recipe["HammingDiversityLogitsProcessor"] = WatchedPenalty
recipe["BeamSearchScorer"] = WatchedScorer


class ConstrainedGroup(transformers.PrefixConstrainedLogitsProcessor):
    """
    The recipe calls processors with the beams of a group, as the core did up to 4.56, which gave this one their number.
    5.18 gives it the number of all beams.
    """

    def __call__(self, input_ids, scores):
        self._num_beams = len(input_ids)
        return super().__call__(input_ids, scores)


transformers.generation.utils.PrefixConstrainedLogitsProcessor = ConstrainedGroup


def run(prompt, options, padding=None, constraint=None):
    """A case without its kind. With a constraint, it may have fewer than `num_return_sequences` hypotheses."""
    end = options.get("eos_token_id", [])
    padding = padding or (end[0] if end else None)
    config = GenerationConfig(
        **{"do_sample": False} | options, pad_token_id=padding, return_dict_in_generate=True, output_scores=True
    )
    WatchedScorer.longest = options["max_new_tokens"]
    ids = torch.tensor([prompt])
    with torch.no_grad():
        out = generate(
            model, ids, attention_mask=torch.ones_like(ids), generation_config=config,
            prefix_allowed_tokens_fn=constraint and constraint.after(prompt, end),
        )  # fmt: skip
    if out.sequences_scores.isnan().any():
        # `renormalize_logits` makes NaN of a row without tokens.
        return None
    sequences = []
    for row, path in enumerate(out.beam_indices.tolist()):
        if constraint and float(out.sequences_scores[row]) < NOTHING:
            continue
        path = [place for place in path if place >= 0]
        tokens = [place % VOCAB for place in path]
        chosen = [float(scores.flatten()[place]) for scores, place in zip(out.scores, path)]
        score = float(out.sequences_scores[row])
        again = sum(chosen) / len(tokens) ** options.get("length_penalty", 1.0)
        assert abs(score - again) < 1e-4 * max(1, abs(score)), (score, again)
        written = out.sequences[row, len(prompt) :][: len(tokens)].tolist()
        ended = tokens[-1] in end
        assert written == (tokens[:-1] + end[:1] if ended else tokens), (written, tokens)
        sequences.append(
            {
                "tokens": tokens,
                "finish_reason": finish_reason(tokens, end, False, constraint),
                "score": round(score, 6),
                "token_logprobs": [round(value, 5) for value in chosen],
            }
        )
    if constraint and WatchedScorer.last.ended_by_copies:
        return None
    margin = WatchedScorer.last.margin
    margin = None if margin == math.inf else round(margin, 6)
    case = {"prompt": prompt, "options": options, "sequences": sequences, "margin": margin}
    return case | ({"tie": True} if margin is not None and margin < TIE else {})
