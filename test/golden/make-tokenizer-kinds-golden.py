"""Writes test/golden/tokenizer-kinds/: small tokenizers of each kind, and what transformers makes of them.

    pip install torch==2.13.0 transformers==5.18.0 tokenizers==0.23.2 sentencepiece==0.2.2 protobuf==7.36.2
    python test/golden/make-tokenizer-kinds-golden.py

All are checkpoints without weights, as AutoTokenizer loads them, trained here on a small text of several scripts.
Everything is seeded: the same versions write the same files, but for the training of SentencePiece, whose models are
committed, and kept if they exist.

    golden.json.gz  texts    texts to encode
                    special  texts with the names of special tokens
                    kinds    by name:
                             "files" of the folder; "model" and "file": the SentencePiece model that it also has
                             "class" of the tokenizer that was loaded
                             "ids" of `texts` without the template's tokens, and "special" of `special` with them; null
                             where a text cannot be encoded
                             "decode": [ids, text, text with skip_special_tokens=True]
"""

import gzip
import json
import random
import shutil
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

HERE = Path(__file__).parent / "tokenizer-kinds"
rng = random.Random(20200817)

WORDS = (
    "the of and Hello world Once upon a time there was little girl cat dogs running unhappiness naïve café Straße "
    "Ångström İstanbul ﬁancé Ωμέγα привет мир שלום مرحبا नमस्ते สวัสดี 你好 世界 東京 日本語 こんにちは カタカナ ｶﾀｶﾅ 안녕하세요 "
    "12 3.5 100 it's don't I'm we've they're"
).split()
SPACES = list(" \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u200b\u2028\u202f\u3000\ufeff")
MARKS = ["e\u0301", "o\u0308\u0323", "が", "か\u3099", "\u0301", "a\u200db", "\u0e33", "ﬃ", "①", "Ⅷ", "㍍", "½"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇫🇷", "❤️", "1️⃣", "\u200d", "\ufe0f"]
CONTROLS = ["\x00", "\x01", "\x1f", "\x7f", "\x80", "\xad", "\ufffd", "\u2060", "\U000e0041", "\ue000"]
PUNCTUATION = list(".,?!'\"`-_()[]{}/\\@#$%^&*+=~<>|:;") + ["``", "''", " n't", " 've", " ' ", "。", "、", "！", "「", "…", "—"]
PLAIN = [
    "", " ", "  ", "\n", "a", " a", "a ", "a  b", " a \n b ", "Hello world", "Hello, world! It's a test .", "I do n't know , really ?",
    "你好世界", "你好，世界！", "東京は日本の首都です。", "こんにちは 世界", "안녕하세요", "CAFÉ Café café cafe\u0301", "x" * 130, "ab " * 40, "你" * 120,
    "▁", "▁a", "a▁b", "##ing", "a ##b", "<0x41>", "<unk>", "☃<unk>☃", "[UNK]", "unhappiness", "running dogs", "12345", "3.5,100", "don't", "they're we've",
    "\u3000全角\u3000スペース", "ＡＢＣ１２３", "ﬁancé", "İstanbul", "STRASSE ẞ ß", "😀😀", "a😀b", "☃", "☃☃ ☃", "tab\there", "\ufeffBOM", "a\x00b", "\x00",
]  # fmt: skip
SPECIAL = ["<s>Hello</s>", "[CLS] a [SEP]b", "a [MASK] b", "a<mask>b", "</s>", " <unk> ", "x[PAD]y<pad>z", "a<extra_id_0>b", "<|end|>Hello <|end|> a", "hello<eop> b"]


def corpus() -> list[str]:
    seeded = random.Random(7)
    end = [".", "!", "?", " ,", "。"]
    return ["".join(seeded.choice(WORDS) + seeded.choice([" ", " ", " ", ""]) for _ in range(seeded.randint(3, 10))) + seeded.choice(end) for _ in range(1500)]


def fuzzed() -> list[str]:
    sources = [WORDS, SPACES, MARKS, EMOJI, CONTROLS, PUNCTUATION, [" "], [chr(c) for c in range(0x4E00, 0x4E40)], [chr(c) for c in range(0x3041, 0x3097)]]
    texts = []
    for _ in range(90):
        chosen = rng.sample(sources, rng.randint(1, 5))
        texts.append("".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(1, 16))))
    blocks = [(0x80, 0x24F), (0x370, 0x5FF), (0x600, 0x6FF), (0x900, 0xE7F), (0x2000, 0x2BFF), (0x3000, 0x30FF), (0xAC00, 0xAD00), (0xF900, 0xFFEF), (0x1F300, 0x1F6FF)]
    for block in blocks:
        texts.append("".join(chr(rng.randint(*block)) + rng.choice(["", " "]) for _ in range(14)))
    return texts


TRAINING = corpus()
TEXTS = PLAIN + fuzzed()


SCRATCH = Path(tempfile.mkdtemp())
FILES: dict[str, dict[str, str]] = {}
MODELS: dict[str, dict[str, str]] = {}


def compact(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def write(name: str, files: dict[str, object], tokenizer: Tokenizer | None = None) -> None:
    """Keeps the files of a folder, and the tokenizer as its tokenizer.json."""
    if tokenizer:
        files = {**files, "tokenizer.json": json.loads(tokenizer.to_str())}
    FILES[name] = {file: content if isinstance(content, str) else compact(content) for file, content in files.items()}


CONFIG = {"model_type": "gpt2"}


def words(size: int, lowercase: bool) -> list[str]:
    """A vocabulary of BERT."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    return sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)


def bert() -> None:
    lower, cased = words(420, True), words(460, False)
    lines = "".join(f"{word}\n" for word in lower)
    # uer/gpt2-chinese-cluecorpussmall, ckiplab/gpt2-base-chinese
    write("bert-vocab-txt", {"config.json": CONFIG, "vocab.txt": lines, "tokenizer_config.json": {"do_lower_case": True, "tokenizer_class": "BertTokenizer", "model_max_length": 1024}})
    write("bert-cased-vocab-txt", {"config.json": CONFIG, "vocab.txt": "".join(f"{word}\n" for word in cased),
        "tokenizer_config.json": {"do_lower_case": False, "tokenize_chinese_chars": False, "strip_accents": True, "tokenizer_class": "BertTokenizerFast", "clean_up_tokenization_spaces": True},
        "special_tokens_map.json": {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}})
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(cased)}, unk_token="[UNK]", max_input_chars_per_word=12))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.add_special_tokens(["<|end|>"])
    for name, cls in (("bert-json", "BertTokenizerFast"), ("wordpiece-json", "PreTrainedTokenizerFast")):
        write(name, {"config.json": CONFIG, "tokenizer_config.json": {"do_lower_case": False, "tokenizer_class": cls, "eos_token": "<|end|>", "unk_token": "[UNK]", "clean_up_tokenization_spaces": cls != "BertTokenizerFast"}}, tokenizer)


def level() -> None:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(TRAINING, trainers.WordLevelTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    write("word-level-json", {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}}, tokenizer)
    # No decoder, no unknown token, and spaces that are cleaned up.
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*"abc .,?!'", "Hello", "world", "n't", "'s", "</s>"])}, unk_token="[none]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    write("word-level-no-unk", {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "clean_up_tokenization_spaces": True}}, tokenizer)


def bpe() -> None:
    # subword-nmt's
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    tokenizer.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>", "</s>"], end_of_word_suffix="</w>", limit_alphabet=120, show_progress=False))
    write("bpe-end-of-word", {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "unk_token": "<unk>"}}, tokenizer)
    # Llama's, as a tokenizer.json
    vocab, merges = sentencepiece_bpe()
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ["<unk>", "<s>", "</s>"]])
    for name, cls in (("llama-json", "PreTrainedTokenizerFast"), ("llama-class-json", "LlamaTokenizerFast")):
        write(name, {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": cls, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "clean_up_tokenization_spaces": True, "legacy": False}}, tokenizer)
    # Unknown characters, one by one and fused, some with byte tokens and some without; a prefix inside of words.
    few = {piece: i for i, piece in enumerate(["<unk>", "a", "b", "##a", "##b", "a##b", "ab", "abb", "<0x63>", "<0xC3>", "<0xA9>", " ", "##c"])}
    for name, fuse in (("bpe-unknown", False), ("bpe-unknown-fused", True)):
        tokenizer = Tokenizer(models.BPE(few, [("a", "##b"), ("ab", "##b")], unk_token="<unk>", fuse_unk=fuse, byte_fallback=True, continuing_subword_prefix="##"))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="never")])
        write(name, {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}}, tokenizer)


def spm(name: str, **options) -> Path:
    """A model of SentencePiece. Its training is not the same on all machines: one that exists is kept."""
    path = HERE / "models" / f"{name}.model.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = SCRATCH / "tokenizer-kinds.txt"
        text.write_text("\n".join(TRAINING), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(SCRATCH / name), num_threads=1, minloglevel=2, hard_vocab_limit=False, **options)
        path.write_bytes(gzip.compress((SCRATCH / f"{name}.model").read_bytes(), mtime=0))
    return path


def spm_bytes(name: str) -> bytes:
    return gzip.decompress((HERE / "models" / f"{name}.model.gz").read_bytes())


def few_rules() -> str:
    """A file of a few normalizations. transformers 5.18.0 cannot load most classes from a model without any."""
    rules = {"ﬁ": "fi", "ﬃ": "ffi", "\u3000": " ", "\xa0": " ", "か\u3099": "が", "Ａ": "A", "１": "1", "…": "...", "\ufeff": "", "e\u0301": "é", "\t": " ", "\n": " "}
    path = SCRATCH / "few-rules.tsv"
    hexes = lambda text: " ".join(f"{ord(c):X}" for c in text)
    path.write_text("".join(f"{hexes(a)}\t{hexes(b)}\n" for a, b in rules.items()))
    return str(path)


def train_spm() -> None:
    spm("unigram-nfkc", vocab_size=300, model_type="unigram", normalization_rule_name="nmt_nfkc", character_coverage=0.99, pad_id=3, pad_piece="[PAD]", user_defined_symbols="[CLS],[SEP],[MASK]")
    spm("unigram-few", vocab_size=300, model_type="unigram", normalization_rule_tsv=few_rules(), character_coverage=0.99, user_defined_symbols="[CLS],[SEP],[MASK]")
    spm("unigram-bytes", vocab_size=560, model_type="unigram", normalization_rule_name="identity", character_coverage=0.99, byte_fallback=True)
    spm("bpe-bytes", vocab_size=620, model_type="bpe", normalization_rule_name="identity", character_coverage=0.99, byte_fallback=True)
    spm("bpe-plain", vocab_size=400, model_type="bpe", normalization_rule_name="identity", character_coverage=0.99)


def sentencepiece_bpe():
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    path = SCRATCH / "bpe-bytes.model"
    path.write_bytes(spm_bytes("bpe-bytes"))
    extracted = SentencePieceExtractor(str(path)).extract(models.BPE)
    return extracted["vocab"], extracted["merges"]


def unigrams() -> None:
    rinna = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "[PAD]", "bos_token": "<s>", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "extra_ids": 0, "additional_special_tokens": [], "sp_model_kwargs": {}}
    spiece = {
        # rinna/japanese-gpt2-medium, and rinna/japanese-gpt2-small
        "t5-spiece": ("unigram-nfkc", "spiece.model", {**rinna, "do_lower_case": False, "tokenizer_class": "T5Tokenizer"}),
        "t5-lower-spiece": ("unigram-few", "spiece.model", {**rinna, "pad_token": "<pad>", "do_lower_case": True, "tokenizer_class": "T5Tokenizer"}),
        "t5-extra-spiece": ("unigram-few", "spiece.model", {"tokenizer_class": "T5Tokenizer", "clean_up_tokenization_spaces": True}),
        "albert-spiece": ("unigram-nfkc", "spiece.model", {"tokenizer_class": "AlbertTokenizer", "do_lower_case": True}),
        "albert-accents-spiece": ("unigram-few", "spiece.model", {"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}),
        "xlnet-spiece": ("unigram-few", "spiece.model", {"tokenizer_class": "XLNetTokenizer"}),
        "camembert-spm": ("unigram-few", "sentencepiece.bpe.model", {"tokenizer_class": "CamembertTokenizer"}),
        "xlm-roberta-spm": ("unigram-few", "sentencepiece.bpe.model", {"tokenizer_class": "XLMRobertaTokenizer"}),
        "llama-spm": ("bpe-bytes", "tokenizer.model", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False}),
        "llama-legacy-spm": ("bpe-bytes", "tokenizer.model", {"tokenizer_class": "LlamaTokenizer", "legacy": True, "add_prefix_space": False}),
        "llama-plain-spm": ("bpe-plain", "tokenizer.model", {"tokenizer_class": "LlamaTokenizer"}),
        "fast-unigram-spm": ("unigram-bytes", "tokenizer.model", {"tokenizer_class": "PreTrainedTokenizerFast"}),
        "fast-bpe-spm": ("bpe-bytes", "tokenizer.model", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}),
    }  # fmt: skip
    for name, (model, file, config) in spiece.items():
        write(name, {"config.json": CONFIG, "tokenizer_config.json": config})
        MODELS[name] = {"model": model, "file": file}
    # Unigram with bytes, as a tokenizer.json
    proto = extract("unigram-bytes")
    tokenizer = Tokenizer(models.Unigram(proto, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    write("unigram-bytes-json", {"config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "clean_up_tokenization_spaces": True}}, tokenizer)
    # T5's and XLM-R's, saved by transformers
    for name, source in (("t5-json", "t5-lower-spiece"), ("xlm-roberta-json", "xlm-roberta-spm"), ("albert-json", "albert-accents-spiece")):
        save(source, name)


def extract(name: str):
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    path = SCRATCH / f"{name}.model"
    path.write_bytes(spm_bytes(name))
    return SentencePieceExtractor(str(path)).extract(models.Unigram)["vocab"]


def load(name: str):
    folder = SCRATCH / name
    folder.mkdir(exist_ok=True)
    for file, text in FILES[name].items():
        (folder / file).write_text(text, encoding="utf-8")
    if name in MODELS:
        (folder / MODELS[name]["file"]).write_bytes(spm_bytes(MODELS[name]["model"]))
    return AutoTokenizer.from_pretrained(folder)


def save(source: str, name: str) -> None:
    """A tokenizer as transformers saves it."""
    folder = SCRATCH / name
    load(source).save_pretrained(folder)
    files = {path.name: json.loads(path.read_text()) for path in sorted(folder.iterdir()) if path.suffix == ".json"}
    write(name, {"config.json": CONFIG, **files})


def encode(tokenizer, text: str, special: bool):
    try:
        return tokenizer(text, add_special_tokens=special)["input_ids"]
    except Exception:
        return None


def golden(name: str) -> dict:
    tokenizer = load(name)
    seeded = random.Random(name)
    size = len(tokenizer)
    ids = [encode(tokenizer, text, False) for text in TEXTS]
    sequences = [list(row) for row in ids if row][:60] + [[seeded.randrange(size) for _ in range(seeded.randint(1, 12))] for _ in range(60)]
    every = list(range(size))
    sequences += [every[i : i + 40] for i in range(0, size, 40)] + [[size, size + 5, *every[5:9]], []]
    # Runs of tokens that are bytes, whole characters and not, if there are any.
    byte = {int(token[3:5], 16): i for token, i in tokenizer.get_vocab().items() if len(token) == 6 and token.startswith("<0x")}
    for text in ["é", "a é☃", "☃b", "😀", " x", "\n\n"] if len(byte) == 256 else []:
        utf8 = [byte[b] for b in text.encode()]
        sequences += [utf8, utf8[1:], utf8[:-1], [*utf8, size - 1, *utf8], [*utf8, byte[0xFF]], [size - 2, byte[0xE2], *utf8]]
    return {
        "files": FILES[name],
        **MODELS.get(name, {}),
        "class": type(tokenizer).__name__,
        "ids": ids,
        "special": [encode(tokenizer, text, True) for text in SPECIAL],
        "decode": [[row, tokenizer.decode(row), tokenizer.decode(row, skip_special_tokens=True)] for row in sequences],
    }


if __name__ == "__main__":
    train_spm()
    bert()
    level()
    bpe()
    unigrams()
    kinds = {name: golden(name) for name in sorted(FILES)}
    text = json.dumps({"texts": TEXTS, "special": SPECIAL, "kinds": kinds}, separators=(",", ":"), ensure_ascii=True)
    (HERE / "golden.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    shutil.rmtree(SCRATCH)
