"""Writes tokenizer/unicode/gpt2-classes.ts: the reference's character class of every code point.

The reference is Hugging Face's byte-level pre-tokenizer (`tokenizers` 0.23.2, the one in `GPT2TokenizerFast`). This
script applies its regular expression to each code point, so the table has the same Unicode version.

    pip install tokenizers==0.23.2
    python test/golden/make-tokenizer-classes.py
"""

from itertools import groupby
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

OUTPUT = Path(__file__).parents[2] / "tokenizer/unicode/gpt2-classes.ts"
RUNS_PER_LINE = 36
pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)


def spans(text: str) -> list[tuple[int, int]]:
    return [span for _, span in pre_tokenizer.pre_tokenize_str(text)]


def class_of(code_point: int) -> str:
    """L: \\p{L}, N: \\p{N}, S: \\s, O: none of them."""
    if 0xD800 <= code_point < 0xE000:  # surrogates: never in well-formed text
        return "O"
    character = chr(code_point)
    if spans("a" + character) == [(0, 2)]:
        return "L"
    if spans("1" + character) == [(0, 2)]:
        return "N"
    return "O" if spans("!" + character) == [(0, 2)] else "S"


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


classes = map(class_of, range(0x110000))
runs = [base36(len(list(run))) + name for name, run in groupby(classes)]
lines = ["".join(runs[i : i + RUNS_PER_LINE]) for i in range(0, len(runs), RUNS_PER_LINE)]

HEAD = r"""/**
 * @module The character classes of GPT-2's pre-tokenizer for every code point, as the reference has them.
 *
 * Written by test/golden/make-tokenizer-classes.py. A table, not the engine's own regular expressions: JavaScript's
 * `\s` takes U+FEFF for white space and U+0085 for none, and `\p{L}` and `\p{N}` grow with the engine's Unicode
 * version (the reference has 16.0), after which the same text would give other ids.
 */

/** Runs of code points from U+0000 on: the length in base 36, then the class: L letter, N number, S space, O other. */
export const CLASS_RUNS = `
"""

OUTPUT.write_text(HEAD + "\n".join(lines) + "\n`;\n")
