"""Writes test/golden/healing.json: `generate(token_healing=True)` of Hugging Face transformers 5.18.0 in float32.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-healing-golden.py

Reads the default checkpoint. A case has a prompt, the tokens of it after `heal_tokens`, which are the prompt of the greedy search that follows, and the
tokens that this search generates. `kind` says what becomes of the prompt, here and there:

  same        the last token alone could be part of a longer one, and its likeliest extension is likelier than itself; or
              the prompt ends in a whole word, and stays
  space       the last token begins with a space. It is looked for with "<" in place of that: GPT-2's tokenizer has no
              token " ", so that its unknown token, "<|endoftext|>", stands for one. It stays
  several     longer tokens begin in more than the last token of the prompt
  original    transformers adds 1 to the score of the last token, so that it stays
  stripped    transformers strips the white space around a prompt
  shorter     the likeliest way to begin with the same bytes is a token that is shorter than the last one
"""

import json

import torch
from transformers import GPT2LMHeadModel

from decoding_reference import HERE, load, tokenizer

PROMPTS = {
    "same": [
        "One day, Tim went to the park.\n\nS",
        "Once upon a time",
        "The dog and the cat",
        "zzz",
        "Unh",
        "Es war einmal ein Kö",
        "café",
        "Once upon a ",
    ],
    "space": [
        "She went to the gar",
        "Lily and her mom went to the par",
        "One day, a little gir",
        "They all lau",
        "He saw a be",
        "It was a bu",
        "Once upon a tim",
    ],
    "several": ["Once upon a ti", "The dog was very hap", "He was so exci", "The sun was shi", "The princ"],
    "original": ['She said, "The', 'She said, "Go'],
    "stripped": ["The dog was ", " The little bird said, ", "Tom and Anna \n"],
    "shorter": ["I like the car", "We had app"],
}
MAX_NEW_TOKENS = 6


def main():
    torch.set_num_threads(1)
    model = load(GPT2LMHeadModel)
    # Healing pads with it.
    tokenizer.pad_token = tokenizer.eos_token
    cases = []
    for kind, prompts in PROMPTS.items():
        for prompt in prompts:
            ids = tokenizer(prompt, return_tensors="pt").input_ids
            healed = model.heal_tokens(ids, tokenizer)
            options = {"do_sample": False, "max_new_tokens": MAX_NEW_TOKENS, "pad_token_id": tokenizer.pad_token_id}
            (output,) = model.generate(ids, token_healing=True, tokenizer=tokenizer, **options)
            assert output[: healed.shape[1]].tolist() == healed[0].tolist()
            cases.append(
                {
                    "kind": kind,
                    "prompt": prompt,
                    "healed": healed[0].tolist(),
                    "generated": output[healed.shape[1] :].tolist(),
                }
            )
            print(kind, repr(prompt), tokenizer.convert_ids_to_tokens(ids[0]), "->", tokenizer.convert_ids_to_tokens(output.tolist()))
    (HERE / "healing.json").write_text(json.dumps({"max_new_tokens": MAX_NEW_TOKENS, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
