"""transformers on PyTorch, one thread.

Reads one JSON request per line from standard input, and writes one answer per line to standard output.

Started by python-peer.ts as `python pytorch.py f32|int8`.
int8 is PyTorch's dynamic quantization of linear layers.
"""

import json
import sys
import time

import torch
import transformers
from transformers import DynamicCache, GPT2LMHeadModel, StoppingCriteria, StoppingCriteriaList
from transformers.pytorch_utils import Conv1D


def load(folder, precision):
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    if precision == "int8":
        make_linear(model)
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    return model


def make_linear(module):
    """Replaces GPT-2's Conv1D by a Linear with the transposed weight, which PyTorch can quantize."""
    for name, child in module.named_children():
        if isinstance(child, Conv1D):
            inputs, outputs = child.weight.shape
            linear = torch.nn.Linear(inputs, outputs)
            linear.weight = torch.nn.Parameter(child.weight.detach().t().contiguous())
            linear.bias = child.bias
            setattr(module, name, linear)
        else:
            make_linear(child)


class FirstTokenTimer(StoppingCriteria):
    """Records the time of the first token, and never stops. Beam search accepts no streamer."""

    def __init__(self):
        self.first = None

    def __call__(self, input_ids, scores, **kwargs):
        if self.first is None:
            self.first = time.perf_counter()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def generate(model, task):
    prompt = torch.tensor([task["prompt"]["ids"]])
    tokens = task["tokens"]
    timer = FirstTokenTimer()
    begin = time.perf_counter()
    sequences = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        num_beams=task["beams"],
        pad_token_id=model.config.eos_token_id,
        stopping_criteria=StoppingCriteriaList([timer]),
    )
    end = time.perf_counter()
    return {
        "firstMilliseconds": 1000 * (timer.first - begin),
        "stepMilliseconds": 1000 * (end - timer.first) / (tokens - 1) if tokens > 1 else None,
        "ids": sequences[0, prompt.shape[1] :].tolist(),
    }


def forward(model, task):
    rows, ids, times = task["rows"], task["past"]["ids"], task["times"]
    cache = DynamicCache(config=model.config)
    model(torch.tensor([ids] * rows), past_key_values=cache, logits_to_keep=1)
    token = torch.tensor([[id] for id in ids[:rows]])
    elapsed = 0.0
    for _ in range(times):
        begin = time.perf_counter()
        model(token, past_key_values=cache)
        elapsed += time.perf_counter() - begin
        cache.crop(len(ids))
    return {"firstMilliseconds": 1000 * elapsed / times, "stepMilliseconds": None}


def answers(precision):
    """Yields the answers; the first one reports the start, before any request."""
    model = None
    yield {"torch": torch.__version__, "transformers": transformers.__version__}
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            model = load(request["load"], precision)
            yield {}
        elif request["task"]["kind"] == "generate":
            yield generate(model, request["task"])
        else:
            yield forward(model, request["task"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    transformers.logging.set_verbosity_error()
    with torch.inference_mode():
        for answer in answers(sys.argv[1]):
            print(json.dumps(answer), flush=True)
