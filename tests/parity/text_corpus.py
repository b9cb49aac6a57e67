"""Strings that tokenizers disagree about: seeded, generated, in many scripts. Knows no tokenizer."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

SENTENCES = (
    "The quick brown fox doesn't jump over 1,234.56 lazy dogs; they'll say it's FINE!",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich – für 3,50 €.",
    "Dès Noël, où un zéphyr haï me vêt de glaçons würmiens, je dîne d’exquis rôtis de bœuf.",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; ¿añoraba a su querido cachorro?",
    "Luís argüia à Júlia que «brações, fé, chá, óxido, pôr, zângão» eram palavras do português.",
    "Ma la volpe, col suo balzo, ha raggiunto il quieto Fido: perché no?",
    "Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Árvíztűrő tükörfúrógép, öt hűtőházból kértünk színhúst.",
    "Flygande bäckasiner söka hwila på mjuka tuvor.",
    "Høj bly gom vandt fræk sexquiz på wc; ærlig talt, å nei!",
    "Törkylempijävongahdus on hyvä sana.",
    "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa.",
    "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul'da IĞDIR.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία — ΆΈΉΊΌΎΏ.",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה. שָׁלוֹם",
    "صِف خَلقَ خَودِ كَمِثلِ الشَمسِ إِذ بَزَغَت — يَحظى الضَجيعُ بِها نَجلاءَ مِعطارِ ١٢٣٤",
    "همه‌ی انسان‌ها آزاد به دنیا می‌آیند؛ ۱۴۰۳ خورشیدی.",
    "ہر انسان آزاد پیدا ہوتا ہے۔",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश। क्‍ष १२३",
    "আমি বাংলায় গান গাই, ১২৩৪।",
    "யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம்",
    "తెలుగు అక్షరమాల చాలా అందంగా ఉంటుంది.",
    "ಕನ್ನಡ ನಾಡು ನಮ್ಮ ಹೆಮ್ಮೆ.",
    "മലയാളം ഒരു ഭാഷയാണ്.",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน ๑๒๓",
    "ມະນຸດທຸກຄົນເກີດມາມີກຽດສັກສີ.",
    "သီဟိုဠ်မှ ဉာဏ်ကြီးရှင်သည် အာယုဝဍ္ဎနဆေးညွှန်းစာကို",
    "មនុស្សទាំងអស់កើតមកមានសេរីភាព។",
    "ཀུན་ལ་བཀྲ་ཤིས་བདེ་ལེགས།",
    "ყველა ადამიანი იბადება თავისუფალი.",
    "Բոլոր մարդիկ ծնվում են ազատ ու հավասար։",
    "ሰው ሁሉ ነጻ ሁኖ ሲወለድ በክብር እኩል ነው።",
    "いろはにほへと ちりぬるを。カタカナ、ﾊﾝｶｸ、漢字とひらがな「括弧」がﾞ",
    "我能吞下玻璃而不伤身体。１２３，全角！𠮷野家",
    "我能吞下玻璃而不傷身體，第３章。",
    "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 한글",
    "Tôi có thể ăn thủy tinh mà không hại gì. Tiếng Việt",
    "Saya boleh makan kaca dan ia tidak menyakitkan saya.",
    "Ninaweza kula bilauri na sikunyui. Mo lè je̩ dígí.",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ❤️ 1️⃣ 🧑🏿‍🚀 ☺︎ 😀😃",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, ∑ᵢ xᵢ² ≤ ½·π³; H₂O, ﬁ ﬂ ﬃ Å Å ㎏ Ⅷ ⅞ ①",
    "std::vector<int> v{1,2,3}; for (auto&& x : v) { x <<= 2; } // O(n)",
    "SELECT * FROM `t` WHERE a != 'it''s' AND b >= 1e-9;\r\n\tGROUP BY 1;",
    '<div class="a">&nbsp;{{ x }}</div>\n<script>let f=()=>`${1+1}`;</script>',
    "def f(x):\n    return {'a': [x**2 for _ in range(10)]}\n\n\n# end\t \n",
    "<|im_start|>system\nYou are<|im_end|>\n<think>\n\n</think>\n\n<tool_call>{}</tool_call><|endoftext|>",
    "< |im_end|> <|im_end |> <|im_end|<|im_end|> <think/> </ think> <THINK> <thi nk> <|vision_pad|><|fim_",
    "I'm you're we've they'll he'd it's DON'T I'M YOU'RE 'Sx 'ſx 'ta 'lL 'Ve ’s 's's 'd'",
)
"""More than 25 languages, then symbols, code and look-alikes of special tokens."""

SPACES = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680"
    "\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
MARKS = (
    "\u0300\u0301\u0308\u0323\u0327\u0334\u0338\u0345\u05b0\u05bc"
    "\u064b\u0651\u093c\u09bc\u0f71\u0f72\u302a\u3099\u309a"
)
STARTERS = (
    "aeoAEÅåçqZ<>=가"
    "각각カはαωשאकলक\u0915"
    "\u09c7\u09be\u0b47\u0b3e\u1100\u1161\u11a7\u11a8\u212b\u2126\uf900\ufb1d\U0001d15e"
)


def hand_written() -> Iterator[str]:
    yield ""
    for sentence in SENTENCES:
        yield from (sentence, sentence.upper(), sentence.lower(), sentence[::-1], sentence.replace(" ", ""))
    for character in "a 0\n!\t'é漢😀\u0301":
        yield from (character * count for count in (1, 2, 3, 47, 48, 49, 50, 129, 1000))


def unicode_blocks() -> Iterator[str]:
    """Every code point but surrogates, 256 a string, alone and between letters and spaces."""
    for start in range(0, 0x110000, 256):
        if 0xD800 <= start < 0xE000 or 0x40000 <= start < 0xE0000 or start >= 0xE0200:
            continue
        block = [chr(code) for code in range(start, start + 256)]
        yield "".join(block)
        yield " ".join(block)
        yield "".join(f"a{character}1" for character in block[:: 1 + start // 0x3000])


def library_sources(count: int) -> Iterator[str]:
    """Pieces of Python's standard library, as lines and as whole paragraphs."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    for path in islice(sorted(folder.glob("*.py")), 0, None, 4):
        paragraphs = path.read_text(encoding="utf-8").split("\n\n")
        yield from islice(
            (paragraph[:2000] for paragraph in paragraphs), 0, None, 1 + len(paragraphs) // count
        )


def splices(random: Random, count: int) -> Iterator[str]:
    """Snippets of everything, glued without regard for words."""
    ranges = (
        (0x20, 0x7F),
        (0xA0, 0x600),
        (0x900, 0xE00),
        (0x1E00, 0x2C00),
        (0x3000, 0xA000),
        (0x1F000, 0x1FB00),
    )
    for _ in range(count):
        parts = []
        for _ in range(random.randint(1, 8)):
            kind = random.randrange(5)
            if kind == 0:
                sentence = random.choice(SENTENCES)
                start = random.randrange(len(sentence))
                parts.append(sentence[start : start + random.randint(1, 12)])
            elif kind == 1:
                parts.append("".join(random.choices(SPACES, k=random.randint(1, 4))))
            elif kind == 2:
                parts.append(random.choice(STARTERS) + "".join(random.choices(MARKS, k=random.randint(0, 4))))
            elif kind == 3:
                parts.append("".join(chr(random.randrange(*random.choice(ranges))) for _ in range(4)))
            else:
                parts.append(
                    random.choice(("'s", "'LL", "12", "  ", "\r\n", "\n\n", " \n", "_", "<think>", "a'"))
                )
        yield "".join(parts)


def make_corpus(seed: int) -> list[str]:
    """At least 5,000 strings."""
    random = Random(seed)
    return [*hand_written(), *unicode_blocks(), *library_sources(8), *splices(random, 4000)]
