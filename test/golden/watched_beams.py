"""Runs greedy and beam search of transformers, and tells how certain the result is."""

import math

import torch
from transformers import GenerationConfig, GPT2LMHeadModel

from decoding_reference import NOTHING, TIE, finish_reason, load, tokenizer


class Watched(GPT2LMHeadModel):
    """Records the smallest margin of the decisions of a beam search."""

    def watch(self):
        self.margin = math.inf
        # Whether copies of beams have filled the pool, which ends a search with `early_stopping: true`.
        self.ended_by_copies = False

    def _note(self, scores, place):
        """`place`: rank of the first score that the decision drops."""
        scores = sorted((score for score in scores if score > NOTHING), reverse=True)
        if place < len(scores):
            self.margin = min(self.margin, scores[place - 1] - scores[place])

    def _get_top_k_continuations(self, **given):
        best = given["accumulated_log_probs"].topk(given["beams_to_keep"] + 1).values[0]
        self._next = float(best[-1])
        return super()._get_top_k_continuations(**given)

    def _get_running_beams_for_next_iteration(self, **given):
        scores, hits = given["topk_log_probs"][0].tolist(), given["next_token_hits_stopping_criteria"][0].tolist()
        beams = given["num_beams"]
        if hits[beams - 1] or hits[beams]:
            self._note(scores[beams - 1 : beams + 1], 1)
        self._note([score for score, hit in zip(scores, hits) if not hit] + [self._next], beams)
        return super()._get_running_beams_for_next_iteration(**given)

    def _update_finished_beams(self, **given):
        length = given["cur_len"] + 1 - given["decoder_prompt_len"]
        full = bool(given["is_sent_finished"].all()) and given["early_stopping"] is True
        open_ = bool(given["is_early_stop_heuristic_unsatisfied"].all()) and not full
        hits = given["next_token_hits_stopping_criteria"][0] & given["top_num_beam_mask"]
        new = given["topk_log_probs"][0][hits] / length ** given["length_penalty"] if open_ else torch.tensor([])
        self._note(given["beam_scores"][0].tolist() + new.tolist(), given["num_beams"])
        result = super()._update_finished_beams(**given)
        self._pool = result[1][0].tolist()
        return result

    def _check_early_stop_heuristic(self, **given):
        if given["is_sent_finished"].all():
            never = given["early_stopping"] == "never" and given["length_penalty"] > 0
            length = given["max_length" if never else "cur_len"] - given["decoder_prompt_len"]
            best = float(given["running_beam_scores"][0, 0]) / length ** given["length_penalty"]
            if best > NOTHING:
                self.margin = min(self.margin, abs(best - float(given["beam_scores"].min())))
                copies = float(given["beam_scores"].min()) < NOTHING
                self.ended_by_copies |= copies and given["early_stopping"] is True
        return GPT2LMHeadModel._check_early_stop_heuristic(**given)

    def note_order(self, returned):
        for place in range(1, returned + 1):
            self._note(self._pool, place)


model = load(Watched)


def ends_in_last(tokens, stop):
    before = len(tokenizer.decode(tokens[:-1]))
    return stop in tokenizer.decode(tokens)[max(0, before - len(stop) + 1) :]


def run(prompt, options, constraint=None, **given):
    """
    `given`: arguments of `generate` beside its configuration.

    A case without its kind. Without a constraint, None if the search has fewer than `num_return_sequences`
    hypotheses; with one, it may return fewer.
    """
    end = options["eos_token_id"]
    beams = options.get("num_beams", 1) > 1
    config = GenerationConfig(
        **{"do_sample": False} | options, pad_token_id=end[0], return_dict_in_generate=True, output_scores=True
    )
    ids = torch.tensor([prompt])
    model.watch()
    with torch.no_grad():
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), generation_config=config,
            tokenizer=tokenizer if "stop_strings" in options else None,
            prefix_allowed_tokens_fn=constraint and constraint.after(prompt, end), **given,
        )  # fmt: skip
    if beams and out.sequences_scores.isnan().any():
        # `renormalize_logits` makes NaN of a row without tokens.
        return None
    indices = out.beam_indices if beams else None
    logprobs = model.compute_transition_scores(out.sequences, out.scores, indices, normalize_logits=not beams)
    sequences = []
    for row in range(len(out.sequences)):
        length = int((indices[row] >= 0).sum()) if beams else len(out.scores)
        tokens = out.sequences[row, len(prompt) :][:length].tolist()
        score = float(out.sequences_scores[row]) if beams else None
        if beams and score < NOTHING:
            if constraint:
                continue
            return None
        chosen = logprobs[row, :length]
        if beams:
            again = float(chosen.sum()) / length ** options.get("length_penalty", 1.0)
            assert abs(score - again) < 1e-4 * max(1, abs(score)), (score, again)
        stopped = any(ends_in_last(prompt + tokens, stop) for stop in options.get("stop_strings", []))
        sequences.append(
            {
                "tokens": tokens,
                "finish_reason": finish_reason(tokens, end, stopped, constraint),
                "score": score and round(score, 6),
                "token_logprobs": [round(float(value), 5) for value in chosen],
            }
        )
    if beams:
        model.note_order(len(sequences))
    else:
        for scores in out.scores:
            first, second = scores[0].topk(2).values.tolist()
            model.margin = min(model.margin, first - second)
    margin = None if model.margin == math.inf else round(model.margin, 6)
    case = {"prompt": prompt, "options": options, "sequences": sequences, "margin": margin}
    if constraint and model.ended_by_copies:
        return None
    return case | ({"tie": True} if margin is not None and margin < TIE else {})
