"""Tokenizers whose normalizers and pre-tokenizers are not GPT-2's."""

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from checkpoint_parts.texts import CORPUS
from checkpoint_parts.vocabularies import END, GPT4, GPT4O, TOKENIZERS, byte_level, edit, ids, tokenizer, write


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
