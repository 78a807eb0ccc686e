"""Other forms of tokenizer.json and tokenizer_config.json, and other classes."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

from checkpoint_parts.texts import CORPUS
from checkpoint_parts.vocabularies import END, byte_level, edit, ids, tokenizer, vocabulary_of, write, write_json, write_pair
from checkpoint_parts.vocabularies_models import sentencepiece, spiece_t5_pad, unigram, wordpiece_tokens



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
def class_code_gen(folder, rng):
    """CodeGenTokenizer, with a template in tokenizer.json."""
    built = byte_level(special=(END,))
    built.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, built.token_to_id(END))])
    write(folder, built, {"tokenizer_class": "CodeGenTokenizer"})
    return ids(built, END, END)


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
