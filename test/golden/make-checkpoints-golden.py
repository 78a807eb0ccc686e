"""Writes small checkpoints of every kind that people have, and what transformers 5.18.0 makes of each.

    pip install torch==2.13.0 transformers==5.18.0 tokenizers==0.23.2 \
        sentencepiece==0.2.2 protobuf==7.36.2 gguf==0.19.0 peft==0.21.0 accelerate==1.15.0 psutil==7.2.2
    python test/golden/make-checkpoints-golden.py [--only NAME ...] [--out FOLDER]
    python test/golden/make-checkpoints-golden.py --random N --seed S --out FOLDER

Writes test/golden/checkpoints/: NAME.tar.gz, the files of a checkpoint as they would be published, and NAME.json,
the golden. With --random, N checkpoints with random combinations of the axes, for test/fuzz/checkpoints.ts.
The axes are in checkpoint_parts/: weights.py, configs.py, vocabularies.py; variants.py lists the committed variants.

Weights are seeded. Vocabularies are trained, and those of WordPiece and Unigram depend on the order of a hash table:
another run may write others.

A golden has

    tokenizer   what the tokenizer gives (measure.py), or the name of the variant that has the same
    refused     what the converter's error says, if it refuses the checkpoint
    options     options that the conversion needs, if any
    ends        the end tokens
    chats       texts and ids of chats.py's conversations, if the variant is about chat templates
    cases       for each prompt its ids, every 16th of the last logits, greedy tokens, and 4 beams with scores
"""

import argparse
import gzip
import io
import json
import os
import pathlib
import random
import shutil
import sys
import tarfile
import tempfile
import traceback

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Tokenizer

from checkpoint_parts.chats import CONVERSATIONS, measure_chats
from checkpoint_parts.configs import make_config, make_model
from checkpoint_parts.measure import is_varied, measure_model, measure_tokenizer, prompts_of
from checkpoint_parts.texts import TEXTS
from checkpoint_parts.variants import VARIANTS, random_variants
from checkpoint_parts.vocabularies import TOKENIZERS, write_json
from checkpoint_parts.weights import FOREIGN, WEIGHTS

OUT = HERE / "checkpoints"
ATTEMPTS = 40


def write_checkpoint(variant, folder, seed):
    """Writes a checkpoint, and returns its model in memory."""
    fields = TOKENIZERS[variant.tokenizer](folder, random.Random(f"{variant.name} {seed}"))
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    size = len(AutoTokenizer.from_pretrained(write_class(folder, fields)))
    size -= fields.pop("fewer", 0)
    config = make_config(-(-size // variant.pad) * variant.pad, fields | variant.config)
    model = make_model(config, seed)
    if variant.change_model:
        variant.change_model(model)
    config.architectures = ["GPT2LMHeadModel"]
    config.save_pretrained(folder)
    WEIGHTS[variant.weights](folder, model)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if variant.edit_config and (folder / "config.json").exists():
        json_ = json.loads((folder / "config.json").read_text())
        write_json(folder / "config.json", variant.edit_config(json_) or json_)
    if variant.after:
        variant.after(folder)
    return model


def write_class(folder, fields):
    """A config.json by which AutoTokenizer finds the class."""
    json_ = {"model_type": "gpt2"} | {name: fields[name] for name in ("tokenizer_class",) if name in fields}
    (folder / "config.json").write_text(json.dumps(json_))
    return folder


def write_generation(variant, folder, model, prompts):
    """Writes generation_config.json, whose end tokens may be tokens that the model often writes."""
    if variant.generation is None:
        return
    fields = dict(variant.generation)
    if fields.get("eos_token_id") == "frequent":
        measured = measure_model(load(folder, model, variant), prompts)
        texts = [case["greedy"] for case in measured["cases"]] if measured else [[1, 2]]
        last = [max(text[2:8], key=text.index, default=1) for text in texts]  # the one that comes first the latest
        fields["eos_token_id"] = last if variant.name.startswith("ends") else last[0]
    write_json(folder / "generation_config.json", fields)


def load(folder, model, variant):
    """The model as transformers loads it; what it does not load is in memory."""
    if variant.weights in FOREIGN:
        return model
    loaded, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    return loaded.eval()


def load_tokenizer(folder, variant):
    if variant.weights.startswith("nanogpt"):  # Without a config.json.
        return GPT2Tokenizer.from_pretrained(folder)
    if (folder / "model.gguf").exists():
        return AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf")
    base = folder / "base"
    return AutoTokenizer.from_pretrained(base if base.exists() else folder)


def make(variant, folder):
    """Writes a checkpoint whose golden does not depend on rounding, and returns its golden."""
    for seed in range(1, ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model = write_checkpoint(variant, folder, seed)
        tokenizer = load_tokenizer(folder, variant)
        prompts = prompts_of(tokenizer)
        write_generation(variant, folder, model, prompts)
        measured = measure_model(load(folder, model, variant), prompts)
        if measured and is_varied(measured):
            golden = {"tokenizer": measure_tokenizer(tokenizer)} | measured
            if variant.options:
                golden["options"] = variant.options
            if variant.refused:
                golden["refused"] = variant.refused
            if variant.chats:
                golden["chats"] = measure_chats(tokenizer, variant.chats)
            return golden
    raise ValueError(f"{variant.name}: every seed has ties or repeats one token")


def pack(folder, file):
    """A .tar.gz that depends on the contents only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
                entry.size = path.stat().st_size
                archive.addfile(entry, io.BytesIO(path.read_bytes()))
    file.write_bytes(gzip.compress(buffer.getvalue(), 9, mtime=0))


def write_golden(golden, file):
    file.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def committed(only, out):
    out.mkdir(parents=True, exist_ok=True)
    write_golden({"texts": TEXTS, "conversations": CONVERSATIONS}, out / "texts.json")
    tokenizers = {}
    for name, variant in VARIANTS.items():
        wanted = not only or any(name.startswith(start) for start in only)
        if wanted:
            with tempfile.TemporaryDirectory() as work:
                golden = make(variant, pathlib.Path(work, name))
                pack(pathlib.Path(work, name), out / f"{name}.tar.gz")
        elif (out / f"{name}.json").exists():
            golden = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        else:
            continue
        if isinstance(golden["tokenizer"], dict):
            first = tokenizers.setdefault(json.dumps(golden["tokenizer"]), name)
            if first != name:
                golden["tokenizer"] = first
        if wanted:
            write_golden(golden, out / f"{name}.json")
            print(name, (out / f"{name}.tar.gz").stat().st_size, (out / f"{name}.json").stat().st_size, flush=True)


def randomly(count, seed, out):
    out.mkdir(parents=True, exist_ok=True)
    write_golden({"texts": TEXTS, "conversations": CONVERSATIONS}, out / "texts.json")
    for variant in random_variants(count, seed):
        try:
            golden = make(variant, out / variant.name)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a panic of tokenizers is no Exception
            shutil.rmtree(out / variant.name, ignore_errors=True)
            print(variant, "was not made:", file=sys.stderr)
            traceback.print_exc(limit=-2)
            continue
        write_golden(golden | {"variant": str(variant)}, out / f"{variant.name}.json")
        print(variant.name, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="variants whose names start so")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.random:
        randomly(arguments.random, arguments.seed, arguments.out)
    else:
        committed(arguments.only, arguments.out or OUT)


main()
