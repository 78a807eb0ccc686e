"""Writes the likelihoods of lm-evaluation-harness's own `hf` model, in float32 on the CPU.

    pip install lm-eval==0.4.13 torch==2.13.0 transformers==5.18.0 accelerate==1.15.0
    python test/golden/make-lm-eval-golden.py

Runs the tasks in test/lm-eval/ on the default checkpoint. Writes test/golden/lm-eval.json: the metrics, and of each
request its texts, the token ids that the harness makes of them, the log-likelihood of the continuation, and whether
greedy search chooses it.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "lm-eval"))
DEFAULT = HERE.parent.parent / "model-assets" / "default"

import likelihoods  # noqa: E402
import torch  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

torch.set_num_threads(1)


class Recorded(HFLM):
    """Keeps the token ids of each request."""

    ids = {}

    def _loglikelihood_tokens(self, requests, *args, **kwargs):
        for (context, continuation), context_ids, continuation_ids in requests:
            self.ids[context, continuation] = (context_ids, continuation_ids)
        return super()._loglikelihood_tokens(requests, *args, **kwargs)


def main():
    model = Recorded(pretrained=str(DEFAULT), dtype="float32", device="cpu", batch_size=1)
    results = likelihoods.of(model, None)
    for requests in results["samples"].values():
        for request in requests:
            key = (request["context"], request["continuation"])
            request["context_ids"], request["continuation_ids"] = map(list, model.ids[key])
            request["logprob"] = round(request["logprob"], 6)
    data = {"made_by": "make-lm-eval-golden.py, lm-eval 0.4.13, transformers 5.18.0, torch 2.13.0, float32", **results}
    path = HERE / "lm-eval.json"
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    print(path.name, path.stat().st_size, data["metrics"])


main()
