"""Runs the tasks of this folder with lm-evaluation-harness against a server, and prints the likelihoods as JSON.

    pip install "lm-eval[api]==0.4.13" transformers==5.18.0
    python test/lm-eval/run.py http://localhost:8787 --tokenizer model-assets/default

`local-completions` is the harness's own client of OpenAI's completions. It encodes the texts, sends token ids, and
reads `logprobs` of the echoed prompt.
"""

import argparse
import json
import pathlib

import likelihoods


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path)
    parser.add_argument("--batch", default=4, type=int)
    arguments = parser.parse_args()
    model_args = {
        "model": "default",
        "base_url": f"{arguments.url}/v1/completions",
        "tokenizer": str(arguments.tokenizer.resolve()),
        "num_concurrent": 1,
        "max_length": 512,
        "batch_size": arguments.batch,
    }
    print(json.dumps(likelihoods.of("local-completions", model_args)))


main()
