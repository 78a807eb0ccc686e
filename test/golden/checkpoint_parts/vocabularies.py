"""Writes the files of tokenizers into a checkpoint's folder, in each form in which they are found.

A function of `TOKENIZERS` takes the folder and a random generator. The folder's `config.json` does not exist yet:
what a function returns is merged into it (`tokenizer_class`, token ids).
"""

import json
import random
import shutil
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, GPT2Tokenizer

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


@tokenizer
def bpe_digits(folder, rng):
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_digits_together(folder, rng):
    steps = [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_digits_unused(folder, rng):
    """GPT2Tokenizer uses vocabulary, merges and template of tokenizer.json, not its pre-tokenizer and normalizer."""
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps), normalizer=normalizers.Lowercase())
    write(folder, built)
    return ids(built, END, END)


@tokenizer
def bpe_gpt4(folder, rng):
    steps = [pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    edit(folder, lambda json_: json_["model"].update(ignore_merges=True))
    return ids(built, END, END)


@tokenizer
def bpe_gpt4o(folder, rng):
    steps = [pre_tokenizers.Split(Regex(GPT4O), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_splits(folder, rng):
    """Splits of every behaviour, by a string and by a regex."""
    steps = [
        pre_tokenizers.Split("\n", "contiguous"),
        pre_tokenizers.Split(Regex(r"\p{Han}|[\u3040-\u30ff]"), "isolated"),
        pre_tokenizers.Split(Regex(r"[.!?]+"), "merged_with_previous"),
        pre_tokenizers.Split("(", "merged_with_next"),
        pre_tokenizers.Split("~", "removed"),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_pre_tokenizers(folder, rng):
    """The pre-tokenizers that split at classes of characters."""
    steps = [
        pre_tokenizers.UnicodeScripts(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.CharDelimiterSplit("_"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]  # fmt: skip
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


@tokenizer
def bpe_whitespace(folder, rng):
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.FixedLength(5), pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)]
    built = byte_level(pre_tokenizer=pre_tokenizers.Sequence(steps))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
    return ids(built, END, END)


def normalized(name, *steps):
    def function(folder, rng):
        built = byte_level(normalizer=normalizers.Sequence(list(steps)) if len(steps) > 1 else steps[0])
        write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END})
        return ids(built, END, END)

    TOKENIZERS[name] = function


normalized("bpe-nfc", normalizers.NFC())
normalized("bpe-nfd", normalizers.NFD(), normalizers.StripAccents())
normalized("bpe-nfkc", normalizers.NFKC(), normalizers.Strip(left=True, right=False))
normalized("bpe-nfkd", normalizers.NFKD(), normalizers.Lowercase(), normalizers.Strip())
normalized(
    "bpe-replace", normalizers.Replace(Regex(r"\s+"), " "), normalizers.Replace("``", '"'), normalizers.Prepend(">"), normalizers.Nmt()
)
normalized("bpe-bert-normalizer", normalizers.BertNormalizer(lowercase=True))


@tokenizer
def bpe_suffix(folder, rng):
    """BPE of characters with an end-of-word suffix, and an unknown token (GPT-1's form)."""
    built = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    built.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.decoder = decoders.BPEDecoder(suffix="</w>")
    built.train_from_iterator(CORPUS[:8], trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "</s>"], end_of_word_suffix="</w>", show_progress=False,
    ))  # fmt: skip
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def bpe_subword_prefix(folder, rng):
    """BPE of characters with a continuing-subword prefix, and unknown characters that are fused."""
    built = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    built.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    built.train_from_iterator(CORPUS[:8], trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "</s>"], continuing_subword_prefix="##", show_progress=False,
    ))  # fmt: skip
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def bpe_padded_json(folder, rng):
    """`truncation` and `padding` of tokenizer.json have no effect on one text."""
    built = byte_level(special=(END, "<pad>"))
    built.enable_truncation(8)
    built.enable_padding(pad_id=built.token_to_id("<pad>"), pad_token="<pad>", length=16)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": "<pad>"})
    return ids(built, END, END)


@tokenizer
def bpe_split_special(folder, rng):
    """`split_special_tokens` of tokenizer_config.json: special tokens are text."""
    built = byte_level()
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "split_special_tokens": True})
    return ids(built, END, END)


# WordPiece.


def wordpiece_tokens(lowercase=True, size=400):
    built = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    built.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False))
    built.decoder = decoders.WordPiece()
    return built


def lines_of(built):
    return [token for token, _ in sorted(built.get_vocab().items(), key=lambda item: item[1])]


@tokenizer
def bert_vocab(folder, rng):
    """vocab.txt alone, its class in config.json: the Chinese GPT-2s."""
    built = wordpiece_tokens()
    (folder / "vocab.txt").write_text("\n".join(lines_of(built)) + "\n", encoding="utf-8")
    return {"tokenizer_class": "BertTokenizer", "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}


@tokenizer
def bert_vocab_cased(folder, rng):
    built = wordpiece_tokens(lowercase=False)
    (folder / "vocab.txt").write_text("\r\n".join(lines_of(built)), encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {
        "do_lower_case": False, "tokenize_chinese_chars": False, "strip_accents": True, "tokenizer_class": "BertTokenizerFast",
        "bos_token": "[CLS]", "eos_token": "[SEP]", "clean_up_tokenization_spaces": True, "never_split": None,
    })  # fmt: skip
    return {"bos_token_id": 2, "eos_token_id": 3}


@tokenizer
def bert_json(folder, rng):
    """As transformers 4 saved BertTokenizerFast."""
    built = wordpiece_tokens()
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    decoder = {
        str(index): {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
        for index, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    }
    write(folder, built, {
        "added_tokens_decoder": decoder, "clean_up_tokenization_spaces": True, "cls_token": "[CLS]", "do_lower_case": True,
        "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "strip_accents": None, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]",
    })  # fmt: skip
    (folder / "vocab.txt").write_text("\n".join(lines_of(built)) + "\n", encoding="utf-8")
    return {"bos_token_id": 2, "eos_token_id": 3}


@tokenizer
def wordpiece_fast(folder, rng):
    """WordPiece in the generic class: the file's own normalizer, pre-tokenizer and decoder, and no template."""
    built = wordpiece_tokens(lowercase=False)
    built.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False, clean_text=False)
    built.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "eos_token": "[SEP]"})
    edit(folder, lambda json_: json_["model"].update(max_input_chars_per_word=12))
    return {"bos_token_id": None, "eos_token_id": 3}


# WordLevel.


@tokenizer
def word_level(folder, rng):
    built = Tokenizer(models.WordLevel(unk_token="<unk>"))
    built.normalizer = normalizers.Lowercase()
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    built.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=200, special_tokens=["<unk>", "</s>"], show_progress=False))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def characters(folder, rng):
    """A vocabulary of characters: WordLevel behind a split at each character."""
    built = Tokenizer(models.WordLevel(unk_token="<unk>"))
    built.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    built.decoder = decoders.Fuse()
    built.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=120, special_tokens=["<unk>", "</s>"], show_progress=False))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


# Unigram, and BPE with byte fallback.


def unigram(size=300, byte_fallback=False, special=("<pad>", "</s>", "<unk>")):
    built = Tokenizer(models.Unigram())
    built.normalizer = normalizers.NFKC()
    built.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    built.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(special), unk_token="<unk>", show_progress=False, max_piece_length=8,
    ))  # fmt: skip
    built.decoder = decoders.Metaspace(prepend_scheme="always")
    return built


@tokenizer
def unigram_fast(folder, rng):
    built = unigram()
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def unigram_bytes(folder, rng):
    """Unigram with byte fallback, no prefix, a decoder in steps, and a template."""
    built = unigram()
    json_ = json.loads(built.to_str())
    json_["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    json_["model"]["byte_fallback"] = True
    json_["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    json_["pre_tokenizer"] = None
    json_["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    ]}  # fmt: skip
    built = Tokenizer.from_str(json.dumps(json_))
    built.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def unigram_t5(folder, rng):
    """T5Tokenizer from a tokenizer.json: the unknown token is the third, whatever the file says; an end after every text."""
    built = unigram()
    write(folder, built, {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"})
    return ids(built, "</s>", "</s>")


def llama_json(legacy):
    """As Llama's converter writes it: `legacy` with normalizers, else with a Metaspace pre-tokenizer."""
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    trainer = trainers.BpeTrainer(
        vocab_size=560, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)], show_progress=False
    )
    built.train_from_iterator(CORPUS[:8], trainer)
    json_ = json.loads(built.to_str())
    json_["added_tokens"] = json_["added_tokens"][:3]
    json_["model"] |= {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
    if legacy:
        json_["pre_tokenizer"] = None
        json_["normalizer"] = {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ]}  # fmt: skip
    else:
        json_["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    json_["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]}  # fmt: skip
    built = Tokenizer.from_str(json.dumps(json_))
    built.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return built


@tokenizer
def llama_legacy(folder, rng):
    write(folder, llama_json(True), {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
    return {"bos_token_id": 1, "eos_token_id": 2}


@tokenizer
def llama_metaspace(folder, rng):
    write(folder, llama_json(False), {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})
    return {"bos_token_id": 1, "eos_token_id": 2}


@tokenizer
def llama_class(folder, rng):
    """LlamaTokenizer rebuilds everything but the vocabulary and the template."""
    write(folder, llama_json(True), {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "legacy": True})
    return {"bos_token_id": 1, "eos_token_id": 2}


# The rules of NFKC take 230 kB.
FEW_RULES = {"Ａ": "A", "Ｂ": "B", "①": "1", "ﬁ": "fi", "\u3000": " ", "\t": " ", "\u200b": " ", "É": "é", "ﬃ": "ffi"}


def sentencepiece(folder, name, **options):
    """Trains a SentencePiece model into the folder."""
    import sentencepiece as spm

    with tempfile.TemporaryDirectory() as work:
        text = Path(work, "text.txt")
        text.write_text("\n".join(CORPUS), encoding="utf-8")
        if options.pop("few_rules", False):
            rules = Path(work, "rules.tsv")
            rules.write_text("".join(f"{ord(a):X}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in FEW_RULES.items()))
            options |= {"normalization_rule_tsv": str(rules)}
        spm.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(Path(work, "m")), minloglevel=2, hard_vocab_limit=False, **{"vocab_size": 300} | options
        )
        shutil.copy(Path(work, "m.model"), folder / name)


@tokenizer
def spiece_t5(folder, rng):
    """spiece.model of a Unigram, as the Japanese GPT-2s."""
    sentencepiece(folder, "spiece.model", model_type="unigram", character_coverage=0.98, add_dummy_prefix=False, remove_extra_whitespaces=True,
                  control_symbols=["[PAD]", "[CLS]", "[SEP]", "[MASK]"])  # fmt: skip
    write_json(folder / "tokenizer_config.json", {
        "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "[PAD]", "extra_ids": 0, "additional_special_tokens": [], "bos_token": "<s>",
        "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "do_lower_case": False, "tokenizer_class": "T5Tokenizer",
    })  # fmt: skip
    return {"bos_token_id": 1, "eos_token_id": 2}


@tokenizer
def spiece_t5_pad(folder, rng):
    """spiece.model with T5's own order of special tokens, user-defined symbols, and rules of its own for normalization."""
    sentencepiece(folder, "spiece.model", model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, user_defined_symbols=["<tool>", "<sep>"],
                  few_rules=True)  # fmt: skip
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", "extra_ids": 4})
    return {"bos_token_id": None, "eos_token_id": 1}


@tokenizer
def spiece_bpe(folder, rng):
    """tokenizer.model of a BPE with byte fallback, in Llama's class."""
    sentencepiece(folder, "tokenizer.model", model_type="bpe", byte_fallback=True, vocab_size=560, normalization_rule_name="identity",
                  remove_extra_whitespaces=False)  # fmt: skip
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False})
    return {"bos_token_id": 1, "eos_token_id": 2}


@tokenizer
def spiece_generic_bpe(folder, rng):
    """tokenizer.model in the generic class, which builds its own normalizer."""
    sentencepiece(folder, "tokenizer.model", model_type="bpe", byte_fallback=True, vocab_size=560, few_rules=True)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    return {"bos_token_id": 1, "eos_token_id": 2}


@tokenizer
def spiece_generic_unigram(folder, rng):
    sentencepiece(folder, "tokenizer.model", model_type="unigram", few_rules=True)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    return {"bos_token_id": 1, "eos_token_id": 2}




# Forms of tokenizer.json and tokenizer_config.json that the axes above do not meet.


@tokenizer
def bpe_fast_old(folder, rng):
    """The generic class with a file of old: strings as merges, no `use_regex`, no `type` of the model."""
    built = byte_level()
    built.post_processor = processors.ByteLevel(trim_offsets=False)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END, "unk_token": END, "max_len": 64})

    def change(json_):
        json_["model"]["merges"] = [" ".join(pair) for pair in json_["model"]["merges"]]
        for field in ("byte_fallback", "ignore_merges", "type"):
            json_["model"].pop(field, None)
        for part in ("pre_tokenizer", "decoder", "post_processor"):
            json_[part].pop("use_regex", None)

    edit(folder, change)
    return ids(built, END, END)


@tokenizer
def bpe_extra_special(folder, rng):
    """Special tokens that only tokenizer_config.json names, in each of its fields."""
    built = byte_level()
    write(folder, built, {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": {"__type": "AddedToken", "content": "<|im_end|>", "lstrip": True,
        "rstrip": False, "normalized": False, "single_word": False}, "pad_token": "<pad>", "additional_special_tokens": ["<tool>", "<sep>"],
        "image_token": "<mask>",
    })  # fmt: skip
    return {"bos_token_id": built.token_to_id(END), "eos_token_id": built.get_vocab_size()}


@tokenizer
def bpe_extra_special_map(folder, rng):
    """special_tokens_map.json beside a tokenizer.json, and no added_tokens_decoder."""
    built = byte_level()
    write(folder, built, {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": False})
    write_json(folder / "special_tokens_map.json", {
        "bos_token": "<s>", "eos_token": {"content": "</s>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": False},
        "unk_token": END, "pad_token": "<pad>", "additional_special_tokens": ["<sep>", "<tool>"],
    })  # fmt: skip
    size = built.get_vocab_size()
    return {"bos_token_id": size, "eos_token_id": size + 1}


@tokenizer
def bpe_more_tokens(folder, rng):
    """More tokens than the model has: a padding token that was added without resizing the model."""
    built = byte_level(special=(END, "<|pad|>"))
    write(folder, built, {"tokenizer_class": "GPT2Tokenizer", "pad_token": "<|pad|>"})
    return ids(built, END, END) | {"fewer": 1}


@tokenizer
def bpe_metaspace(folder, rng):
    """BPE of characters behind a Metaspace, without byte fallback (the Korean GPT-2s)."""
    built = Tokenizer(models.BPE(unk_token="<unk>"))
    built.normalizer = normalizers.NFKC()
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=360, special_tokens=["</s>", "<pad>", "<unk>", "<mask>"], show_progress=False)
    built.train_from_iterator(CORPUS[:9] + CORPUS[11:12], trainer)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "</s>", "bos_token": "</s>"})
    return ids(built, "</s>", "</s>")


@tokenizer
def bpe_metaspace_old(folder, rng):
    """The same as tokenizers wrote it before 0.15: `add_prefix_space` and `str_rep`."""
    fields = bpe_metaspace(folder, rng)
    old = {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}
    edit(folder, lambda json_: json_.update(pre_tokenizer=old, decoder=old))
    return fields


@tokenizer
def bpe_roberta_processing(folder, rng):
    built = byte_level(special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    start, end = built.token_to_id("<s>"), built.token_to_id("</s>")
    built.post_processor = processors.RobertaProcessing(("</s>", end), ("<s>", start), add_prefix_space=False)
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>"})
    return {"bos_token_id": start, "eos_token_id": end}


@tokenizer
def wordpiece_bert_processing(folder, rng):
    built = wordpiece_tokens()
    built.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    write(folder, built, {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "eos_token": "[SEP]", "clean_up_tokenization_spaces": True})
    return {"bos_token_id": 2, "eos_token_id": 3}


@tokenizer
def class_roberta(folder, rng):
    """RobertaTokenizer of vocab.json and merges.txt."""
    vocab, merges = vocabulary_of(byte_level(special=("<s>", "<pad>", "</s>", "<unk>", "<mask>")))
    write_pair(folder, vocab, merges)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True})
    return {"bos_token_id": vocab["<s>"], "eos_token_id": vocab["</s>"]}


@tokenizer
def class_neox(folder, rng):
    built = byte_level(special=(END, "<|padding|>"))
    write(folder, built, {"tokenizer_class": "GPTNeoXTokenizer"})
    return ids(built, END, END)


@tokenizer
def class_qwen2(folder, rng):
    built = byte_level(special=(END, "<|im_start|>", "<|im_end|>"))
    write(folder, built, {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>"})
    return ids(built, END, "<|im_end|>")


@tokenizer
def class_xlm_roberta(folder, rng):
    built = unigram(special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    write(folder, built, {"tokenizer_class": "XLMRobertaTokenizer"})
    return ids(built, "<s>", "</s>")


@tokenizer
def unigram_precompiled(folder, rng):
    """T5Tokenizer as transformers 5 saves it: the rules of the SentencePiece model in tokenizer.json."""
    fields = spiece_t5_pad(folder, rng)
    write_json(folder / "config.json", {"model_type": "gpt2"})
    loaded = AutoTokenizer.from_pretrained(folder)
    for path in folder.iterdir():
        path.unlink()
    loaded.save_pretrained(folder)
    (folder / "spiece.model").unlink(missing_ok=True)
    return fields


@tokenizer
def unigram_precompiled_fast(folder, rng):
    """The same in the generic class."""
    fields = unigram_precompiled(folder, rng)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "unk_token": "<unk>"})
    return fields


@tokenizer
def spiece_sw3(folder, rng):
    """GPT-SW3: a tokenizer in Python, with its own normalization."""
    sentencepiece(folder, "spiece.model", model_type="bpe", byte_fallback=True, vocab_size=560, normalization_rule_name="identity",
                  pad_id=0, unk_id=1, bos_id=2, eos_id=3, pad_piece="<pad>", eos_piece=END, remove_extra_whitespaces=False)  # fmt: skip
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPTSw3Tokenizer"})
    return {"bos_token_id": 2, "eos_token_id": 3}
