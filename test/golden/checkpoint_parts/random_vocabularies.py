"""Tokenizers with random parts, for the runs that are not committed."""


from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from checkpoint_parts.texts import CORPUS
from checkpoint_parts.vocabularies import END, GPT4, GPT4O, edit, vocabulary_of, write, write_pair

PATTERNS = [r"\d", r"\d{1,3}", r"\p{Han}", r"[A-Z][a-z]*", r"\s+", r"[^\s\w]+", r"\p{L}+|\p{N}", "'s|'t", r"(?i:the)\b", GPT4, GPT4O, " ?[^(\\s|[.,!?…。，、।۔،])]+"]
STRINGS = ["the", " ", "a", "\n", "é", "。", "'", "  "]
BEHAVIOURS = ["isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"]


def pattern(rng):
    return Regex(rng.choice(PATTERNS)) if rng.random() < 0.6 else rng.choice(STRINGS)


def random_normalizer(rng):
    steps = [
        lambda: normalizers.NFC(), lambda: normalizers.NFD(), lambda: normalizers.NFKC(), lambda: normalizers.NFKD(), lambda: normalizers.Lowercase(),
        lambda: normalizers.Strip(rng.random() < 0.7, rng.random() < 0.7), lambda: normalizers.StripAccents(), lambda: normalizers.Nmt(),
        lambda: normalizers.Replace(pattern(rng), rng.choice(["", " ", "_", "xy"])), lambda: normalizers.Prepend(rng.choice(["▁", "_", " "])),
        lambda: normalizers.BertNormalizer(rng.random() < 0.5, rng.random() < 0.5, rng.choice([None, True, False]), rng.random() < 0.5),
    ]  # fmt: skip
    chosen = [rng.choice(steps)() for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]
    return normalizers.Sequence(chosen) if len(chosen) > 1 else chosen[0] if chosen else None


def random_splits(rng):
    steps = [
        lambda: pre_tokenizers.Digits(rng.random() < 0.5), lambda: pre_tokenizers.Whitespace(), lambda: pre_tokenizers.WhitespaceSplit(),
        lambda: pre_tokenizers.Punctuation(rng.choice(BEHAVIOURS)), lambda: pre_tokenizers.BertPreTokenizer(),
        lambda: pre_tokenizers.Split(pattern(rng), rng.choice(BEHAVIOURS), rng.random() < 0.3), lambda: pre_tokenizers.Split(pattern(rng), "isolated"),
        lambda: pre_tokenizers.CharDelimiterSplit(rng.choice("_-. ")), lambda: pre_tokenizers.Split(Regex(GPT4), "isolated"),
    ]  # fmt: skip
    return [rng.choice(steps)() for _ in range(rng.choice([0, 0, 1, 1, 2]))]


def sequence(steps):
    return pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]


def metaspace(rng):
    scheme = rng.choice(["always", "first", "never"])
    split = rng.random() < 0.7
    return pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split), decoders.Metaspace(prepend_scheme=scheme, split=split)


def add_tokens(built, rng):
    """Tokens of random flags, some of which the texts have."""
    pieces = ["<tool>", "<sep>", "<mask>", "newword", "Ab", "AB", "the", "<|im_start|>", "<|im", "é", "你好", " a", "[MASK]", "<s>", "ing", "  "]
    flag = lambda chance: rng.random() < chance
    built.add_tokens([
        AddedToken(piece, single_word=flag(0.3), lstrip=flag(0.3), rstrip=flag(0.3), normalized=flag(0.5), special=flag(0.4))
        for piece in rng.sample(pieces, rng.choice([0, 0, 1, 3, 6]))
    ])  # fmt: skip


def random_template(built, rng, special):
    ids = {token: built.token_to_id(token) for token in special}
    kind = rng.random()
    if kind < 0.5:
        return None
    first, last = rng.choice(special), rng.choice(special)
    if kind < 0.6:
        return processors.RobertaProcessing((last, ids[last]), (first, ids[first]), add_prefix_space=False)
    if kind < 0.7:
        return processors.BertProcessing((last, ids[last]), (first, ids[first]))
    single = rng.choice([f"{first} $A", f"$A {last}", f"{first} $A {last}", f"{first} {last} $A", "$A"])
    return processors.TemplateProcessing(single=single, special_tokens=[(token, ids[token]) for token in {first, last}])


def random_model(rng, special):
    """A trained tokenizer of a random model, with what encodes and decodes it."""
    kind = rng.choice(["bytes", "bytes", "bpe", "fallback", "wordpiece", "unigram", "unigram", "words"])
    options = {"special_tokens": special, "show_progress": False}
    if kind == "bytes":
        built = Tokenizer(models.BPE(ignore_merges=rng.random() < 0.3))
        prefix = rng.random() < 0.3
        splits = random_splits(rng)
        built.pre_tokenizer = sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=not splits or rng.random() < 0.5)])
        built.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=rng.choice([300, 400]), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    elif kind in ("bpe", "fallback"):
        alphabet = [f"<0x{byte:02X}>" for byte in range(256)] if kind == "fallback" else []
        unknown = rng.choice([None, special[-1]])
        affixes = rng.choice([{}, {}, {"continuing_subword_prefix": "##"}, {"end_of_word_suffix": "</w>"}]) if kind == "bpe" else {}
        built = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=rng.random() < 0.5, byte_fallback=kind == "fallback", **affixes))
        space, decoder = metaspace(rng)
        built.pre_tokenizer = sequence([space, *random_splits(rng)]) if not affixes else rng.choice([pre_tokenizers.Whitespace(), pre_tokenizers.BertPreTokenizer()])
        built.decoder = decoder if not affixes else decoders.BPEDecoder() if "end_of_word_suffix" in affixes else decoders.WordPiece(cleanup=rng.random() < 0.5)
        if kind == "fallback" and rng.random() < 0.7:
            strip = [decoders.Strip(content=" ", left=1, right=0)] if rng.random() < 0.5 else []
            built.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
        options["special_tokens"] = special + alphabet
        trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + rng.choice([200, 300]), **options, **affixes)
    elif kind == "wordpiece":
        prefix = rng.choice(["##", "##", "@@"])
        built = Tokenizer(models.WordPiece(unk_token=special[-1], continuing_subword_prefix=prefix, max_input_chars_per_word=rng.choice([8, 100])))
        built.pre_tokenizer = sequence([rng.choice([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Whitespace()]), *random_splits(rng)])
        built.decoder = decoders.WordPiece(prefix=prefix, cleanup=rng.random() < 0.5)
        trainer = trainers.WordPieceTrainer(vocab_size=rng.choice([250, 400]), continuing_subword_prefix=prefix, **options)
    elif kind == "unigram":
        built = Tokenizer(models.Unigram())
        space, built.decoder = metaspace(rng)
        built.pre_tokenizer = sequence([*random_splits(rng), space])
        trainer = trainers.UnigramTrainer(vocab_size=rng.choice([250, 350]), unk_token=special[-1], max_piece_length=rng.choice([4, 16]), **options)
    else:
        built = Tokenizer(models.WordLevel(unk_token=special[-1]))
        built.pre_tokenizer = sequence([rng.choice([pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()]), *random_splits(rng)])
        if rng.random() < 0.5:
            built.decoder = rng.choice([decoders.Fuse(), decoders.WordPiece(), decoders.Replace("e", "3")])
        trainer = trainers.WordLevelTrainer(vocab_size=150, **options)
    normalizer = random_normalizer(rng)
    if normalizer:
        built.normalizer = normalizer
    built.train_from_iterator(CORPUS, trainer)
    return kind, built


def add_bytes(json_):
    """A Unigram with byte fallback."""
    json_["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    json_["model"]["byte_fallback"] = True


def random_tokenizer(folder, rng):
    special = rng.choice([[END], ["<s>", "</s>", "<unk>"], ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], ["<pad>", "</s>", "<unk>"]])
    kind, built = random_model(rng, special)
    add_tokens(built, rng)
    template = random_template(built, rng, special)
    if template:
        built.post_processor = template
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": special[0]}
    if rng.random() < 0.3:
        config["clean_up_tokenization_spaces"] = True
    if rng.random() < 0.3:
        config |= {"additional_special_tokens": ["<sep>", "<new>"], "pad_token": rng.choice(["<pad>", special[-1]])}
    if kind == "bytes" and rng.random() < 0.4:
        config = rng.choice([None, {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": rng.random() < 0.5, "pad_token": "<pad>"}])
        if rng.random() < 0.3:
            write_pair(folder, *vocabulary_of(built))
    write(folder, built, config)
    if kind == "unigram" and rng.random() < 0.4:
        edit(folder, add_bytes)
    if kind in ("bytes", "bpe") and rng.random() < 0.3:
        edit(folder, lambda json_: json_["model"].update(merges=[" ".join(pair) for pair in json_["model"]["merges"] if not any(" " in part for part in pair)]))
    end = built.token_to_id(special[0])
    return {"bos_token_id": end, "eos_token_id": end}


