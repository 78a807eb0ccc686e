"""Writes test/golden/tokenizer-steps.json.gz: what the reference's normalizers and pre-tokenizers make of texts.

The reference is Hugging Face's `tokenizers` 0.23.2. All randomness is seeded: the same versions write the same file.

    pip install tokenizers==0.23.2
    python test/golden/make-tokenizer-steps-golden.py

    texts          list of texts
    normalizers    [step as in tokenizer.json, normalized texts]; null where the text stays as it is
    preTokenizers  [step as in tokenizer.json, pieces of each text]; null where the text is the only piece
    patterns       [regular expression, pieces of each text], by a Split that isolates; as preTokenizers
    invalid        regular expressions that the reference refuses
"""

import gzip
import json
import random
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

OUTPUT = Path(__file__).parent / "tokenizer-steps.json.gz"
rng = random.Random(17)

PIECES = (
    "the of and Hello WORLD Once upon naïve café Straße ŞİĞ Ångström ΑΣΣ σς привет Ёлка שלום مرحبا नमस्ते สวัสดี 你好 世界 "
    "こんにちは カタカナ ｶﾀｶﾅ 안녕 ѣ 𝔘𝔫𝔦 𐍈 ß ﬁ ǅ 0 1 42 007 1234567 3.14 ½ ² Ⅷ ٣ ४२ 五 𝟘 ① e\u0301 o\u0308\u0323 \u0301 ｆｕｌｌ "
    "a\u200db foo_bar fooBar it's I'LL we'Ve 'S 'ſ don't http://x.y/?q=1&r=%20 <s> </s> [CLS] ▁ ▁▁a a▁b # ## $ + ~ ` ^ | ¿ « » … — 。 、 "
    "😀 👩‍👩‍👧 👍🏽 🇫🇷 ❤️ 1️⃣ \ufffd \x00 \x01 \x7f \x85 \xad \ufeff \u2028 \u2060 \ue000"
).split(" ")
SPACES = ["", " ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\xa0", "\u3000", "\u2003", "\v", "\f"]


def random_text() -> str:
    return "".join(rng.choice(SPACES) + rng.choice(PIECES) for _ in range(rng.randint(1, 12))) + rng.choice(SPACES)


def random_characters() -> str:
    blocks = [(0x20, 0x7F), (0x80, 0x250), (0x300, 0x530), (0x600, 0x700), (0x900, 0xE80), (0x1E00, 0x2200),
              (0x2200, 0x2C00), (0x3000, 0x3400), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xF900, 0xFB50),
              (0xFE00, 0x10000), (0x10300, 0x10400), (0x1D400, 0x1D800), (0x1F300, 0x1F700)]  # fmt: skip
    return "".join(chr(rng.randrange(*rng.choice(blocks))) for _ in range(rng.randint(1, 25)))


FIXED = ["", " ", "\n", "a", " a", "a ", "  a  b  ", "a\n\n\n b", "Hello, world!", "I'm sure they'll say it's 3.14.", "▁", "▁a ▁ b",
         "aaaa", "a1b22c333", "123456789", "...!?", "a.b,c", "ＡＢＣ１２３", "\r\n \r\n", "x\u0345\u0301y", "Σ ΑΣ ΑΣ. ΣΑ", "İIıi"]  # fmt: skip
TEXTS = FIXED + [random_text() for _ in range(70)] + [random_characters() for _ in range(28)]


def replace(pattern: dict, content: str) -> dict:
    return {"type": "Replace", "pattern": pattern, "content": content}


def bert(clean: bool, chinese: bool, accents: bool | None, lower: bool) -> dict:
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents,
            "lowercase": lower}  # fmt: skip


def sequence(field: str, *steps: dict) -> dict:
    return {"type": "Sequence", field: list(steps)}


SIMPLE = [{"type": name} for name in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"]]
NORMALIZERS = [
    *SIMPLE,
    *[{"type": "Strip", "strip_left": left, "strip_right": right} for left in (True, False) for right in (True, False)],
    replace({"String": " "}, "▁"),
    replace({"String": "a"}, ""),
    replace({"Regex": " {2,}"}, " "),
    replace({"Regex": r"\s+"}, "$1"),
    replace({"Regex": r"(\p{L})(\p{N})"}, "x"),
    replace({"Regex": "^[ ]*"}, "_"),
    {"type": "Prepend", "prepend": "▁"},
    bert(True, True, None, True), bert(True, True, None, False), bert(False, True, True, False),
    bert(True, False, False, True), bert(False, False, False, False),
    sequence("normalizers", {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}),
    sequence("normalizers", {"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True},
             {"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")),
    sequence("normalizers", sequence("normalizers", {"type": "Nmt"}, {"type": "NFKC"}), replace({"Regex": " {2,}"}, " ")),
]  # fmt: skip

BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def split(pattern: dict, behavior: str = "Isolated", invert: bool = False) -> dict:
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def byte_level(prefix: bool, regex: bool) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def metaspace(scheme: str, splits: bool, replacement: str = "▁") -> dict:
    return {"type": "Metaspace", "replacement": replacement, "prepend_scheme": scheme, "split": splits}


PRE_TOKENIZERS = [
    *[byte_level(prefix, regex) for prefix in (True, False) for regex in (True, False)],
    {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"},
    {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False},
    *[{"type": "Punctuation", "behavior": behavior} for behavior in BEHAVIORS],
    *[split({"String": " "}, behavior, invert) for behavior in BEHAVIORS for invert in (True, False)],
    *[split({"Regex": r"\p{L}+|\p{N}"}, behavior, invert) for behavior in BEHAVIORS for invert in (True, False)],
    *[split({"Regex": r"a*|(?= )"}, behavior) for behavior in BEHAVIORS],
    {"type": "CharDelimiterSplit", "delimiter": "a"},
    *[metaspace(scheme, splits) for scheme in ("always", "first", "never") for splits in (True, False)],
    metaspace("always", True, "_"),
    {"type": "FixedLength", "length": 3},
    sequence("pretokenizers", {"type": "WhitespaceSplit"}, metaspace("first", True)),
    sequence("pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, metaspace("first", False)),
    sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level(False, True)),
    sequence("pretokenizers", byte_level(True, True), {"type": "Digits", "individual_digits": True}),
    sequence("pretokenizers", {"type": "Whitespace"}, {"type": "Punctuation", "behavior": "Isolated"}),
    sequence("pretokenizers", split({"Regex": r"\p{N}{1,3}"}), sequence("pretokenizers", byte_level(False, True))),
]  # fmt: skip

PATTERNS = [
    # GPT-2, GPT-4 (cl100k), GPT-4o (o200k) and their possessive forms of tiktoken
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    # Qwen, DeepSeek, BLOOM, Falcon, StarCoder, Viking
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}+", r"[一-龥\u3040-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+", r"[0-9][0-9][0-9]", r" ?[^(\s|[.,!?…。，、।۔،])]+|\d",
    # Syntax
    r"(?i)AB|hello", r"a(?i)B|c", r"(?m).", r".", r"^.", r".$", r"a{,2}", r"a{2}+", r"a{2}?", r"a{2,}?", r"a++a", r"(?>a+)a", r"a?+a",
    r"\h+", r"\H+", r"\R", r"[[:alpha:]]+", r"[[:^alpha:]]+", r"[[:punct:]]", r"[a-c&&[^b]]+", r"[^a-c&&[b-z]]+", r"\p{Han}+",
    r"\p{^L}+", r"\P{L}+", r"\p{Alpha}+", r"[^\S\n]+", r"\d+", r"\D+", r"\w+", r"\W+", r"\b", r"\B", r"(?<!a)b", r"(?<=\s)\S", r"\Aa", r"\s\z",
    r"\s\Z", r"(?x) a b # c", r"\x{61}|\x41|\u0062|\101", r"\p{L}\p{M}*", r"[\p{Lu}\p{Lt}]+", r"(\w)\1", r"(?<n>\w)\k<n>", r"\p{Greek}+",
    r"\p{Cyrillic}", r"\p{Letter}+", r"\p{upper}+", r"[a\-z]+", r"[a-]+", r"[]a]+", r"a{", r"]", r"[[a]b]+", r"\N", r"(?#c)a", r"\t|\n|\r",
    r"[\s&&[^\n]]+", r"(?:a|b)*?c", r"\p{Emoji}", r"\p{Common}", r"[\d_]+", r"\S+\s*", r"\.|\*|\/", r"a|", r"(?=[A-Z])", r"\p{S}+",
]  # fmt: skip
INVALID = ["(?P<n>a)", "(?s).", "a(", "a)", "[a", "*a", r"\p{Foo}", "[b-a]", r"\p{Script=Greek}", "(?a)b", r"\k<x>", r"\2"]


def tokenizer_with(**parts) -> Tokenizer:
    """Steps are read from JSON, as from a file."""
    empty = json.loads(Tokenizer(models.BPE()).to_str())
    return Tokenizer.from_str(json.dumps(empty | parts))


def normalized(step: dict) -> list[str | None]:
    normalizer = tokenizer_with(normalizer=step).normalizer
    results = [normalizer.normalize_str(text) for text in TEXTS]
    return [None if result == text else result for text, result in zip(TEXTS, results)]


def pieces(pre_tokenizer) -> list[list[str] | None]:
    results = [[piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)] for text in TEXTS]
    return [None if result == [text] else result for text, result in zip(TEXTS, results)]


def refuses(pattern: str) -> bool:
    try:
        pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str("a")
    except Exception:
        return True
    return False


assert all(map(refuses, INVALID)), [pattern for pattern in INVALID if not refuses(pattern)]
golden = {
    "texts": TEXTS,
    "normalizers": [[step, normalized(step)] for step in NORMALIZERS],
    "preTokenizers": [[step, pieces(tokenizer_with(pre_tokenizer=step).pre_tokenizer)] for step in PRE_TOKENIZERS],
    "patterns": [[pattern, pieces(pre_tokenizers.Split(Regex(pattern), "isolated"))] for pattern in PATTERNS],
    "invalid": INVALID,
}
OUTPUT.write_bytes(gzip.compress(json.dumps(golden, ensure_ascii=False).encode("utf-8", "surrogatepass"), mtime=0))
