"""Writes the files of tokenizers into a checkpoint's folder, in each form in which they are found.

A function of `TOKENIZERS` takes the folder and a random generator. The folder's `config.json` does not exist yet:
what a function returns is merged into it (`tokenizer_class`, token ids).
"""

import json

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import GPT2Tokenizer

from checkpoint_parts.texts import CORPUS

END = "<|endoftext|>"
TOKENIZERS = {}
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizer(function):
    TOKENIZERS[function.__name__.replace("_", "-")] = function
    return function


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write(folder, built, config=None):
    """Writes a tokenizer.json, and a tokenizer_config.json if there is one."""
    built.save(str(folder / "tokenizer.json"))
    if config is not None:
        write_json(folder / "tokenizer_config.json", config)


def edit(folder, change, name="tokenizer.json"):
    json_ = json.loads((folder / name).read_text(encoding="utf-8"))
    change(json_)
    write_json(folder / name, json_)


def ids(built, *contents):
    return {f"{name}_token_id": built.token_to_id(content) for name, content in zip(("bos", "eos"), contents)}


# Byte-level BPE.


def byte_level(size=400, special=(END,), pre_tokenizer=None, normalizer=None):
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizer or pre_tokenizers.ByteLevel(add_prefix_space=False)
    if normalizer:
        built.normalizer = normalizer
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    built.train_from_iterator(CORPUS, trainer)
    # The end comes last, as in GPT-2's vocabulary.
    built.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return built


def vocabulary_of(built):
    json_ = json.loads(built.to_str())
    vocab = json_["model"]["vocab"] | {token["content"]: token["id"] for token in json_["added_tokens"]}
    return vocab, json_["model"]["merges"]


def write_pair(folder, vocab, merges):
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")


@tokenizer
def bpe_saved(folder, rng):
    """As transformers 5 saves GPT2Tokenizer."""
    vocab, merges = vocabulary_of(byte_level())
    GPT2Tokenizer(vocab=vocab, merges=[tuple(pair) for pair in merges]).save_pretrained(folder)
    return {"bos_token_id": vocab[END], "eos_token_id": vocab[END]}


@tokenizer
def bpe_pair(folder, rng):
    """As OpenAI's first release: vocab.json and merges.txt, nothing else."""
    vocab, merges = vocabulary_of(byte_level(300))
    write_pair(folder, vocab, merges)
    return {"bos_token_id": vocab[END], "eos_token_id": vocab[END]}


@tokenizer
def bpe_json(folder, rng):
    """A tokenizer.json alone."""
    built = byte_level()
    write(folder, built)
    return ids(built, END, END)


@tokenizer
def bpe_json_old(folder, rng):
    """As tokenizers saved it before 0.20: merges are strings; and in the first releases no model type."""
    built = byte_level()
    write(folder, built)

    def change(json_):
        json_["model"]["merges"] = [" ".join(pair) for pair in json_["model"]["merges"]]
        for field in ("type", "byte_fallback", "ignore_merges"):
            json_["model"].pop(field, None)

    edit(folder, change)
    return ids(built, END, END)


@tokenizer
def bpe_contradicting(folder, rng):
    """tokenizer.json has other merges than vocab.json and merges.txt, and other ids."""
    vocab, merges = vocabulary_of(byte_level(360))
    shuffled = list(vocab)
    rng.shuffle(shuffled)
    write_pair(folder, {token: index for index, token in enumerate(shuffled)}, merges[:40])
    built = byte_level()
    write(folder, built, {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 64})
    return ids(built, END, END)


@tokenizer
def bpe_end_missing(folder, rng):
    """The config names an end token that tokenizer.json does not have."""
    built = byte_level(special=())
    write(folder, built, {"tokenizer_class": "GPT2Tokenizer", "eos_token": END, "bos_token": END, "unk_token": END})
    size = built.get_vocab_size()
    return {"bos_token_id": size, "eos_token_id": size}


@tokenizer
def bpe_other_end(folder, rng):
    """A tokenizer.json with another end token, and no tokenizer_config.json: transformers adds GPT-2's."""
    built = byte_level(special=("</s>", "<pad>"))
    write(folder, built)
    return {"bos_token_id": None, "eos_token_id": built.token_to_id("</s>")}


@tokenizer
def bpe_special_map(folder, rng):
    """As transformers 2 to 4 saved a slow tokenizer: special_tokens_map.json and added_tokens.json."""
    vocab, merges = vocabulary_of(byte_level())
    write_pair(folder, vocab, merges)
    write_json(folder / "special_tokens_map.json", {
        "bos_token": {"content": END, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True},
        "eos_token": "<|im_end|>", "unk_token": END, "pad_token": "<pad>", "additional_special_tokens": ["<sep>"],
    })  # fmt: skip
    size = len(vocab)
    write_json(folder / "added_tokens.json", {"<|im_end|>": size, "<pad>": size + 1, "<sep>": size + 2, "newword": size + 3})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "errors": "replace"})
    return {"bos_token_id": vocab[END], "eos_token_id": size}


ADDED = [
    AddedToken("<tool>", lstrip=True, rstrip=False, special=False, normalized=False),
    AddedToken("<sep>", lstrip=False, rstrip=True, special=False, normalized=True),
    AddedToken("<mask>", lstrip=True, rstrip=True, special=True, normalized=False),
    AddedToken("newword", single_word=True, special=False, normalized=True),
    AddedToken("Ab", special=False, normalized=True),
    AddedToken("AB", special=False, normalized=False),
    AddedToken("<|été|>", special=False, normalized=True),
    AddedToken("<|im_start|>", special=True, normalized=False),
    AddedToken("<|im_end|>", special=True, normalized=False),
    AddedToken("<|im", special=False, normalized=False),
]


@tokenizer
def bpe_added(folder, rng):
    """Added tokens with every flag, as save_pretrained of transformers 5 writes them."""
    vocab, merges = vocabulary_of(byte_level())
    saved = GPT2Tokenizer(vocab=vocab, merges=[tuple(pair) for pair in merges])
    saved.add_tokens(ADDED)
    saved.save_pretrained(folder)
    return {"bos_token_id": vocab[END], "eos_token_id": vocab[END]}


@tokenizer
def bpe_added_4(folder, rng):
    """The same as transformers 4 wrote them: added_tokens_decoder in tokenizer_config.json, and all other files."""
    built = byte_level()
    write_pair(folder, *vocabulary_of(built))
    built.add_tokens(ADDED)
    declared = json.loads(built.to_str())["added_tokens"]
    decoder = {str(token.pop("id")): token for token in [dict(token) for token in declared]}
    write(folder, built, {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": decoder, "additional_special_tokens": ["<|im_start|>"],
        "bos_token": END, "clean_up_tokenization_spaces": True, "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 64,
        "pad_token": None, "tokenizer_class": "GPT2Tokenizer", "unk_token": END,
    })  # fmt: skip
    write_json(folder / "added_tokens.json", {token["content"]: token["id"] for token in declared})
    write_json(folder / "special_tokens_map.json", {"bos_token": END, "eos_token": "<|im_end|>", "unk_token": END})
    return ids(built, END, "<|im_end|>")


@tokenizer
def bpe_added_fast(folder, rng):
    """Added tokens with every flag behind a normalizer, in the generic class."""
    built = byte_level(normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]))
    built.add_tokens(ADDED)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "clean_up_tokenization_spaces": False})
    return ids(built, END, END)


@tokenizer
def bpe_added_beyond(folder, rng):
    """An added token whose id leaves a gap, and one that is in the vocabulary."""
    built = byte_level()
    built.add_tokens([AddedToken("Ġthe", normalized=False), AddedToken("newword")])
    write(folder, built, {"tokenizer_class": "GPT2TokenizerFast"})
    return ids(built, END, END)


@tokenizer
def bpe_prefix_space(folder, rng):
    vocab, merges = vocabulary_of(byte_level())
    write_pair(folder, vocab, merges)
    write_json(folder / "tokenizer_config.json", {"add_prefix_space": True, "tokenizer_class": "GPT2Tokenizer"})
    return {"bos_token_id": vocab[END], "eos_token_id": vocab[END]}


@tokenizer
def bpe_prefix_space_fast(folder, rng):
    """The prefix space of tokenizer.json, in the generic class."""
    built = byte_level(pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "bos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_prefix_space_unused(folder, rng):
    """GPT2Tokenizer does not use the pre-tokenizer of tokenizer.json."""
    built = byte_level(pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True))
    write(folder, built, {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False})
    return ids(built, END, END)


@tokenizer
def bpe_bos(folder, rng):
    """`add_bos_token` of vocab.json and merges.txt."""
    vocab, merges = vocabulary_of(byte_level())
    write_pair(folder, vocab, merges)
    write_json(folder / "tokenizer_config.json", {"add_bos_token": True, "tokenizer_class": "GPT2Tokenizer"})
    return {"bos_token_id": vocab[END], "eos_token_id": vocab[END]}


@tokenizer
def bpe_bos_unused(folder, rng):
    """`add_bos_token` beside a tokenizer.json is not used."""
    built = byte_level()
    write(folder, built, {"add_bos_token": True, "tokenizer_class": "GPT2Tokenizer", "bos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_template(folder, rng):
    """A template with a beginning and an end."""
    built = byte_level(special=(END, "<s>"))
    start, end = built.token_to_id("<s>"), built.token_to_id(END)
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A " + END, pair="<s> $A $B " + END, special_tokens=[("<s>", start), (END, end)]
    )
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": END})
    return {"bos_token_id": start, "eos_token_id": end}


@tokenizer
def bpe_template_gpt2(folder, rng):
    """GPT2Tokenizer keeps the template of tokenizer.json."""
    built = byte_level()
    end = built.token_to_id(END)
    built.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single=END + " $A", special_tokens=[(END, end)]),
    ])  # fmt: skip
    write(folder, built, {"tokenizer_class": "GPT2Tokenizer", "bos_token": END})
    return {"bos_token_id": end, "eos_token_id": end}
