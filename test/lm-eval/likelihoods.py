"""The likelihoods that lm-evaluation-harness computes for the tasks of this folder, with any of its models."""

import contextlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
TASKS = ["edgebeam_hellaswag", "edgebeam_lambada", "edgebeam_choice"]

os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def of(model, model_args):
    """A list by task: of each request its two texts, its log-likelihood, and whether greedy search chooses it."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    # The data sets' paths are relative to this folder. The harness prints to stdout.
    with contextlib.chdir(HERE), contextlib.redirect_stdout(sys.stderr):
        results = lm_eval.simple_evaluate(
            model=model,
            model_args=model_args,
            tasks=TASKS,
            task_manager=TaskManager(include_path=str(HERE), include_defaults=False),
            log_samples=True,
            bootstrap_iters=0,
        )
    return {
        "metrics": {
            task: {name: value for name, value in metrics.items() if isinstance(value, float)}
            for task, metrics in results["results"].items()
        },
        "samples": {task: [request for sample in samples for request in requests_of(sample)]
                    for task, samples in results["samples"].items()},
    }


def requests_of(sample):
    arguments = sample["arguments"]
    pairs = arguments.values() if isinstance(arguments, dict) else arguments
    texts = [tuple(pair.values()) if isinstance(pair, dict) else tuple(pair) for pair in pairs]
    for (context, continuation), [(logprob, is_greedy)] in zip(texts, sample["resps"]):
        yield {
            "context": context,
            "continuation": continuation,
            "logprob": float(logprob),
            "is_greedy": bool(is_greedy) if not isinstance(is_greedy, str) else is_greedy == "True",
        }
