"""Writes tokenizer/unicode/sets.ts: the sets of characters that the reference's normalizers and pre-tokenizers have.

The reference is Hugging Face's `tokenizers` 0.23.2, whose crates follow several versions of Unicode. This script asks it
about each code point.

    pip install tokenizers==0.23.2
    python test/golden/make-unicode-sets.py
"""

from itertools import groupby
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

OUTPUT = Path(__file__).parents[2] / "tokenizer/unicode/sets.ts"
LINE = 108


def bert(**options: bool) -> normalizers.BertNormalizer:
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**(off | options))


def splits(pre_tokenizer, pieces: int):
    return lambda c: len(pre_tokenizer.pre_tokenize_str(f"a{c}a")) == pieces


def becomes(normalizer, result: str):
    return lambda c: normalizer.normalize_str(f"a{c}a") == result


SETS = {
    "WORD": ("`\\\\w` of Whitespace", splits(pre_tokenizers.Whitespace(), 1)),
    "NUMBER": ("Digits", splits(pre_tokenizers.Digits(individual_digits=True), 3)),
    "PUNCTUATION": ("Punctuation and BertPreTokenizer", splits(pre_tokenizers.Punctuation(), 3)),
    "MARK": ("StripAccents", becomes(normalizers.StripAccents(), "aa")),
    "BERT_MARK": ("BertNormalizer's strip_accents, after NFD", None),
    "BERT_CONTROL": ("BertNormalizer's clean_text: left out", becomes(bert(clean_text=True), "aa")),
    "BERT_SPACE": ("BertNormalizer's clean_text: a space", becomes(bert(clean_text=True), "a a")),
    "UNASSIGNED": ("regular expressions: no characters, so far", splits(pre_tokenizers.Split(Regex(r"\p{Cn}"), "removed"), 2)),
    "CHINESE": ("BertNormalizer's handle_chinese_chars: between spaces", None),
}
strip_accents = bert(strip_accents=True)
chinese = bert(handle_chinese_chars=True)


def contains(name: str, character: str) -> bool:
    if name == "BERT_MARK":  # a mark that NFD takes apart leaves nothing, too
        return strip_accents.normalize_str(character) == ""
    if name == "CHINESE":
        return chinese.normalize_str(character) == f" {character} "
    return SETS[name][1](character)


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def runs_of(name: str) -> str:
    """Lengths of runs, of characters outside and inside of the set in turn, from U+0000 on."""
    members = (not 0xD800 <= c < 0xE000 and contains(name, chr(c)) for c in range(0x110000))
    lengths = [(inside, len(list(run))) for inside, run in groupby(members)]
    if lengths[0][0]:
        lengths.insert(0, (False, 0))
    return " ".join(base36(length) for _, length in lengths)


def wrap(text: str) -> str:
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


HEAD = """/**
 * @module The sets of characters of the reference's normalizers and pre-tokenizers.
 *
 * Written by test/golden/make-unicode-sets.py. Tables, not JavaScript's properties: the reference's libraries have
 * different and older versions of Unicode.
 */

/**
 * Lengths in base 36 of runs of code points from U+0000 on: outside of the set, inside, outside, and so on.
 */
export const SETS = {
"""
parts = [f"  /** {SETS[name][0]} */\n  {name}: `\n{wrap(runs_of(name))}\n`,\n" for name in SETS]
OUTPUT.write_text(HEAD + "".join(parts) + "} as const;\n")
