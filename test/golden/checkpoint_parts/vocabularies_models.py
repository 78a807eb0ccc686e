"""Tokenizers of other models than byte-level BPE: WordPiece, WordLevel, Unigram, and SentencePiece's."""

import json
import shutil
import tempfile
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from checkpoint_parts.texts import CORPUS
from checkpoint_parts.vocabularies import edit, ids, tokenizer, write, write_json


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


@tokenizer
def spiece_reformer(folder, rng):
    """spiece.model of a Unigram, of which ReformerTokenizer makes a BPE."""
    sentencepiece(folder, "spiece.model", model_type="unigram", few_rules=True)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "ReformerTokenizer", "additional_special_tokens": ["<tool>"]})
    return {"bos_token_id": None, "eos_token_id": 2}


@tokenizer
def spm_deberta_v2(folder, rng):
    """spm.model, with the options of DebertaV2Tokenizer."""
    sentencepiece(folder, "spm.model", model_type="unigram", few_rules=True, control_symbols=["[PAD]", "[CLS]", "[SEP]", "[MASK]"])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": True, "split_by_punct": True})
    return {"bos_token_id": None, "eos_token_id": 2}


@tokenizer
def spiece_xlnet_unknown(folder, rng):
    """The unknown token is where the file has it."""
    sentencepiece(folder, "spiece.model", model_type="unigram", few_rules=True, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "XLNetTokenizer"})
    return {"bos_token_id": None, "eos_token_id": 1}
