"""The texts of the checkpoints' goldens, what their vocabularies are trained on, and the prompts."""

TEXTS = [
    # White space, empty texts, and plain words.
    "", " ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\r\n", "a", " a", "a ", "  a  b   c    ", "the", "Once upon a time",
    " Once upon a time", "Hello world", "HELLO World hello", "The king had a little girl.\nShe wanted to go home.",
    "a\tb\n\nc\r\nd \n e", "a\u00a0b\u2003c\u3000d\u200be\u2060f\ufeffg\u0085h\u2028i", "line one  \nline two\t\n\n\n", "x\x0b\x0cy\x1c\x1d\x1ez",
    # Contractions and punctuation.
    "I'm sure they'll say it's what we've got; you'd've thought he isn't.", "'tis '90s rock'n'roll 'S 'RE",
    "Don 't stop , please ! Is it ? Yes . we 've , I 'm , they 're , she 's , do n't .", '"Please," said the mouse, (again) [and] {again}...',
    "—a–b…“c”‘d’«e»¿f¡", "$100,000.00 + 5% = #1 @home ~/x_y^2 `code` <b>&amp;</b> a\\b|c", "http://example.com/?q=1&r=%20#x",
    "!!!???...,,,;;;", "``quoted'' text", "_underscored_ __init__ snake_case camelCase",
    # Numbers.
    "0", "12345", "1 22 333 4444 55555 666666", "3.14159 1e-9 0x1F 1,000,000", "a1b2c3 1st 2nd", "½ ² Ⅷ ٣ ४२ 五 𝟘 ①", "2026-11-30 03:42",
    # Latin with marks, composed and decomposed; case.
    "naïve café Straße Ångström İstanbul ﬁancé", "cafe\u0301 nai\u0308ve A\u030angstro\u0308m", "e\u0301\u0323 o\u0308\u0302 \u0301 a\u0301\u0301\u0301",
    "ÀÉÎÕÜ àéîõü ŁØĐ łøđ", "ﬀ ﬃ ĳ Ǆ ſ K Å ™ ㎏ ①② ｱｲｳ ＡＢＣ １２３", "Es war einmal ein König, der hatte eine Tochter.", "ẞ ß SS ß ı I İ i",
    "Việt Nam: Tiếng Việt", "\u1e9b\u0323 \u0344 \u212b",
    # Other scripts.
    "Ωμέγα ΣΊΣΥΦΟΣ Σίσυφος", "привет мир Ёлка ёлка Й й", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好世界", "我爱北京天安门，天安门上太阳升。",
    "日本語のテキスト、カタカナとひらがな。", "ガギグゲゴ カ\u3099 は\u309a ｶﾞ", "안녕하세요 세계", "한국어 \u1112\u1161\u11ab", "漢字ab漢字 12漢3", "𠮷野家 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 ꙮ",
    "hello世界hello", "㐀䶵一鿿豈丽",
    # Emoji.
    "😀", "👩‍👩‍👧‍👦 👍🏽 🇫🇷 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ❤️ 1️⃣ 🧑‍🚀", "a😀b😀😀 c", "\u200d\ufe0f🏿",
    # Controls, and characters that normalizers drop or replace.
    "\x00", "a\x00b\x01c\x7fd\x80e\x9ff\xadg", "\ufffd \ufffe \uffff", "\ue000\uf8ff 󰀀", "\u202atext\u202c \u2066x\u2069", "soft\u00adhyphen zero\u200bwidth\u200cjoin\u200d",
    # Metaspace and markers that a vocabulary uses itself.
    "▁ ▁a a▁b ▁▁", "Ġ Ċ Ġthe ĉ", "##a ##the a##b", "<0x41> <0xE4>", "Ã© Â\u00a0",
    # Special tokens in a text, alone, together, with and without spaces around them, and almost.
    "<|endoftext|>", "<|endoftext|>Once", "Once<|endoftext|>", "a <|endoftext|> b", "<|endoftext|><|endoftext|>\n<|endoftext|>", "<|endoftext|", "<|ENDOFTEXT|>",
    "[CLS]the[SEP]a [MASK] [PAD] [UNK]", "<s>the</s> <unk> <pad> <mask>", "<|im_start|>user\nHello<|im_end|>\n", "<tool> the <tool>a<tool>", "the<sep>king <sep> king",
    "Ab ab AB xAbx newword newwords a newword.", "café<|été|>ÉTÉ <|ÉTÉ|>",
    # Longer.
    "def f(x: int = 0) -> str:\n    return f\"{x!r:>{10}}\"  # été\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "A king , a girl .  The  end !\n\n\nthe king\u00a0 the", "x<s>y</s>z<mask> [MASK]end",
    "=-=-=-=-  --------  ######## \\\\\\\\", "the the the  the   the", "supercalifragilisticexpialidocious antidisestablishmentarianism",
]  # fmt: skip

CORPUS = [
    "Once upon a time there was a little girl named Lily. She lived in a small house near the river.",
    "The old king had three sons, and the youngest son was the best of them all.",
    "One day the king said to his sons: go into the forest and bring home the golden bird.",
    "She wanted to go home. He said that it was late, and that they should stay for the night.",
    "Hello world, hello again! I'm sure they'll say it's what we've got; isn't it?",
    "In 1999 there were 12 cats, 345 dogs and 6789 birds in the village; 10 years later 2000 more.",
    "Es war einmal ein König, der hatte eine schöne Tochter. Der Straße nach ging der Weg.",
    "Il était une fois une petite fille qui s'appelait Amélie; elle aimait le café et la forêt.",
    "привет мир, как дела? Жил-был король, и было у него три сына.",
    "你好世界 我爱北京天安门 天安门上太阳升 从前有一个国王 他有三个儿子",
    "日本語のテキスト。むかしむかし、あるところに、おじいさんとおばあさんがいました。カタカナとひらがな。",
    "안녕하세요 세계 옛날 옛적에 한 왕이 있었습니다",
    "def main():\n    print('hello')\n    return 0\n",
    "THE KING AND THE GIRL went home, The End.",
]

PROMPTS = ["Once upon a time there was", "The king said: go", "12 birds, 我爱"]
