"""Constraints, and which tokens each allows: by brute force, over the texts themselves.

    pip install regex

A token may follow a text if some accepted text begins with the text and the token's bytes. End-of-text tokens may
follow an accepted text, and nothing else. Every language is written by hand beside its source: as a set of texts, as a
regular expression over bytes, or as a function that reads them. Bytes are handled as the characters of latin-1, so that
a token may end inside a character of UTF-8.
"""

import functools
import string

import regex

from decoding_reference import tokenizer


def characters_of_bytes():
    """The character with which the vocabulary writes each byte: itself if it is visible, else one from U+0100 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = (byte for byte in range(256) if byte not in visible)
    return {chr(byte): byte for byte in visible} | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTES = characters_of_bytes()
SPECIAL = set(tokenizer.all_special_ids)
TOKENS = {
    id: "".join(chr(BYTES[character]) for character in text)
    for text, id in tokenizer.get_vocab().items()
    if id not in SPECIAL
}
FIRST_BYTES = {token[0] for token in TOKENS.values()}
assert len(TOKENS) == len(tokenizer) - len(SPECIAL)


class Constraint:
    """`begins(text)`: whether an accepted text begins with it; `is_whole(text)`: whether it is accepted."""

    def __init__(self, source, begins, is_whole):
        self.source = source
        self._begins, self._is_whole = begins, is_whole
        self._allowed = functools.cache(self._tokens_after)

    def _tokens_after(self, text):
        # If no accepted text begins with the first byte, none begins with more.
        first = {byte for byte in FIRST_BYTES if self._begins(text + byte)}
        return [id for id, token in TOKENS.items() if token[0] in first and self._begins(text + token)]

    def accepts(self, tokens):
        return all(token in TOKENS for token in tokens) and self._is_whole("".join(map(TOKENS.get, tokens)))

    def after(self, prompt, end):
        """transformers' `prefix_allowed_tokens_fn`."""

        def allowed(_, ids):
            generated = ids[len(prompt) :].tolist()
            # A beam without an allowed token goes on with any, and one that has ended goes on if there are too few
            # others. Their scores are hopeless, and transformers demands a token.
            if any(token in end or token not in TOKENS for token in generated):
                return end[:1]
            text = "".join(map(TOKENS.get, generated))
            tokens = [token for token in self._allowed(text) if token not in end]
            return tokens + (end if self._is_whole(text) else []) or end[:1]

        return allowed


def latin(text):
    """The text's bytes."""
    return text.encode().decode("latin-1")


def choice(*choices):
    texts = [latin(text) for text in choices]
    return Constraint(
        {"type": "choice", "choices": list(choices)},
        lambda text: any(whole.startswith(text) for whole in texts),
        lambda text: text in texts,
    )


def by_pattern(source, pattern):
    compiled = regex.compile(pattern, regex.DOTALL)
    return Constraint(
        source,
        lambda text: compiled.fullmatch(text, partial=True) is not None,
        lambda text: compiled.fullmatch(text) is not None,
    )


def pattern(javascript, over_bytes=None, flags=""):
    source = {"type": "regex", "pattern": javascript} | ({"flags": flags} if flags else {})
    return by_pattern(source, over_bytes or javascript)


def schema(schema, over_bytes):
    return by_pattern({"type": "json_schema", "schema": schema}, over_bytes)


def grammar(text, over_bytes):
    return by_pattern({"type": "grammar", "grammar": text}, over_bytes)


# Characters of UTF-8 above U+007F.
WIDE = (
    r"(?:[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    r"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})"
)

# JSON. Up to 64 characters of white space between two tokens of it. A character of a string may be escaped.
GAP = r"[ \n\r\t]{0,64}"


def letters(characters, least=1, most=1):
    """So many of these ASCII characters, of which none must be escaped."""
    escapes = "|".join(rf"00{ord(c) // 16:x}{hex_digit(ord(c) % 16)}" for c in characters)
    return rf"(?:[{characters}]|\\u(?:{escapes})){{{least},{most}}}"


def hex_digit(value):
    digit = f"{value:x}"
    return f"[{digit}{digit.upper()}]" if value > 9 else digit


def text(content):
    return '"' + "".join(map(letters, content)) + '"'


def one_of(*texts):
    return "(?:" + "|".join(map(text, texts)) + ")"


def json_list(items, opening, closing):
    return rf"{opening}{GAP}" + rf"{GAP},{GAP}".join(items) + rf"{GAP}{closing}"


def json_object(**properties):
    return json_list([rf"{text(name)}{GAP}:{GAP}{value}" for name, value in properties.items()], r"\{", r"\}")


def json_array(item, least, most):
    """At least one item."""
    return rf"\[{GAP}{item}(?:{GAP},{GAP}{item}){{{least - 1},{most - 1}}}{GAP}\]"


def closed(properties, **rest):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    } | rest


def balanced(text):
    """Number of open parentheses; None if one is closed that was not opened."""
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, -1000)
        if depth < 0:
            return None
    return depth


def same_number(text):
    """Of "a" and, after them, "b": how many are missing; None if that cannot be."""
    if not regex.fullmatch(r"a*b*", text):
        return None
    missing = text.count("a") - text.count("b")
    return None if missing < 0 or (missing == 0 and "b" not in text and text) else missing


def sum_of(text):
    """
    Reads an expression: numbers of up to three digits, in parentheses or not, and operators between them.
    Returns the open parentheses and whether the last number or parenthesis is closed; None if that cannot be.
    """
    depth, digits, closed = 0, 0, False
    for character in text:
        if character.isdigit() and character.isascii() and not closed and digits < 3:
            digits += 1
        elif character == "(" and not closed and digits == 0:
            depth += 1
        elif character == ")" and (closed or digits) and depth > 0:
            depth, digits, closed = depth - 1, 0, True
        elif character in "+-*/" and (closed or digits):
            digits, closed = 0, False
        else:
            return None
    return depth, closed or digits > 0


def by_reading(text, begins, is_whole):
    return Constraint({"type": "grammar", "grammar": text}, begins, is_whole)


NAMES = [" Lily", " Lily's mom", " Tom", " Tom and Anna", " Anna", " Tim", " Max", " Sam", " Sue", " Ben", " Mia", " Jack"]
SMALL = string.ascii_lowercase
COLORS = ["red", "blue", "green", "yellow"]

CONSTRAINTS = {
    "choice": [
        choice(" yes", " no", " maybe"),
        choice(*NAMES),
        choice(" a happy end.", " a sad end.", " the end of the story, and they all went home."),
        choice("König", "Königin", "süß", "日本語", "日本", "😀", "😃!"),
        choice(*(f" {size} {color} {toy}" for size in ("big", "small", "old") for color in COLORS for toy in ("ball", "car", "toy car", "doll", "boat"))),
        choice(" and they lived happily ever after"),
    ],
    "regex": [
        pattern(r"( big(ger)?)?"),
        pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        pattern(r" (yes|no|maybe), (she|he|they) (said|cried)[.!]"),
        pattern(r" ?[A-Z][a-z]{1,7}( [a-z]{1,8}){2,6}[.!?]"),
        pattern(r"( (the|a|big|red|dog|cat|and))*\."),
        pattern(r"[äöüß ]{2,6}|König(in)?", r"(?:\xc3[\xa4\xb6\xbc\x9f]| ){2,6}|K\xc3\xb6nig(?:in)?"),
        pattern("[😀-😆]{1,3}", r"(?:\xf0\x9f\x98[\x80-\x86]){1,3}", "u"),
        pattern(r"hello|good (morning|day)", r"(?i:hello|good (?:morning|day))", "i"),
        pattern(r".{3,12}", rf"(?:[^\n\r\x80-\xff]|(?!\xe2\x80[\xa8\xa9]){WIDE}){{3,12}}", "u"),
        pattern(r"( [a-z]+){1,4}(, [a-z]+)?"),
        pattern(r"(a|ab|abc|b|bc|c)*d", "[abc]*d"),
    ],
    "json_schema": [
        schema({"enum": ["red", "green", "blue", True, None]}, one_of("red", "green", "blue") + "|true|null"),
        schema(
            closed({"name": {"type": "string", "pattern": "^[a-z]{1,8}$"}, "happy": {"type": "boolean"}}),
            json_object(name=f'"{letters(SMALL, 1, 8)}"', happy="(?:true|false)"),
        ),
        schema(
            {"type": "array", "items": {"enum": COLORS}, "minItems": 1, "maxItems": 3},
            json_array(one_of(*COLORS), 1, 3),
        ),
        schema(
            closed({
                "animal": {"enum": ["cat", "dog"]},
                "toys": {"type": "array", "items": {"enum": ["ball", "box"]}, "minItems": 2, "maxItems": 3},
                "old": {"type": "null"},
            }),
            json_object(animal=one_of("cat", "dog"), toys=json_array(one_of("ball", "box"), 2, 3), old="null"),
        ),
        schema(
            {"anyOf": [
                closed({"kind": {"const": "a"}, "size": {"enum": ["small", "big"]}}),
                closed({"kind": {"const": "b"}, "name": {"type": "string", "pattern": "^[A-Z][a-z]{2,5}$"}}),
            ]},
            json_object(kind=text("a"), size=one_of("small", "big"))
            + "|"
            + json_object(kind=text("b"), name=f'"{letters(SMALL.upper())}{letters(SMALL, 2, 5)}"'),
        ),
    ],
    "grammar": [
        grammar(
            'root ::= item (", " item)* "."\nitem ::= " "? ("a " | "the ") animal\nanimal ::= "cat" | "dog" | "bird"',
            r"(?: ?(?:a|the) (?:cat|dog|bird))(?:,  ?(?:a|the) (?:cat|dog|bird)|, (?:a|the) (?:cat|dog|bird))*\.",
        ),
        grammar("root ::= [a-z]{2,5} [^a-z\\n]* \"!\"", rf"[a-z]{{2,5}}(?:[^a-z\n\x80-\xff]|{WIDE})*!"),
        by_reading('root ::= ("(" root ")")*', lambda text: balanced(text) is not None, lambda text: balanced(text) == 0),
        by_reading(
            'root ::= "a" root "b" | "ab"',
            lambda text: same_number(text) is not None,
            lambda text: bool(text) and same_number(text) == 0,
        ),
        by_reading(
            'root ::= term ([-+*/] term)*\nterm ::= [0-9]{1,3} | "(" root ")"',
            lambda text: sum_of(text) is not None,
            lambda text: sum_of(text) == (0, True),
        ),
    ],
}  # fmt: skip
