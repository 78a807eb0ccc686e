"""Writes test/golden/guidance.json: `guidance_scale` of Hugging Face transformers 5.18.0 in float32 on the CPU.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-guidance-golden.py

Reads the default checkpoint. A case is as in decoding.json (see make-decoding-golden.py). In greedy search the processor
is transformers' own. With beams it keeps the negative path of the beam that stood in its place before: it does not follow
when beams change their places, and has no rows for beams with `negative_prompt_ids`. There the processor computes the
negative path of each beam anew.
"""

import itertools
import json

import torch
import transformers.generation.utils as utils

from decoding_reference import ENDS, HERE, PROMPTS, tokenizer
from watched_beams import run

Own = utils.UnbatchedClassifierFreeGuidanceLogitsProcessor


class OfEachBeam(Own):
    def get_unconditional_logits(self, input_ids):
        context = self.unconditional_context
        if context["first_pass"]:
            context["first_pass"] = False
            self.prompt_length = input_ids.shape[1]
            self.negative = context["input_ids"]
            if self.negative is None:
                self.negative = input_ids[:1, -1:]
        negative = self.negative.expand(len(input_ids), -1)
        return self.model(torch.cat([negative, input_ids[:, self.prompt_length :]], dim=1)).logits


NEGATIVES = [None, "The sad old man", "Once upon a time, there was a little girl", "She"]
SCALES = [0.0, 0.5, 1.5, 3.0, -1.0]
MODES = [
    {},
    {"num_beams": 3, "num_return_sequences": 3},
    {"num_beams": 4, "length_penalty": 0.5, "early_stopping": True, "num_return_sequences": 2},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 3},
    {"num_beams": 2, "repetition_penalty": 1.2, "suppress_tokens": [tokenizer(",")["input_ids"][0]]},
]


def main():
    torch.set_num_threads(1)
    cases = []
    for number, (scale, negative, mode) in enumerate(itertools.product(SCALES, NEGATIVES, MODES)):
        beams = mode.get("num_beams", 1) > 1
        utils.UnbatchedClassifierFreeGuidanceLogitsProcessor = OfEachBeam if beams else Own
        ids = negative and tokenizer(negative)["input_ids"]
        options = {"max_new_tokens": 8, "eos_token_id": ENDS[number % len(ENDS)], "guidance_scale": scale} | mode
        given = {"negative_prompt_ids": torch.tensor([ids])} if ids else {}
        case = run(PROMPTS[number % len(PROMPTS)], options, **given)
        if case is None:
            continue
        if ids:
            case["options"] = options | {"negative_prompt_ids": ids}
        cases.append({"kind": "beams" if beams else "greedy"} | case)
    ties = sum("tie" in case for case in cases)
    print(len(cases), "cases,", ties, "ties")
    (HERE / "guidance.json").write_text(json.dumps({"cases": cases}) + "\n")


if __name__ == "__main__":
    main()
