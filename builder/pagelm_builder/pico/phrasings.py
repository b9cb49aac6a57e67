"""The many ways people word the questions pico answers, its small talk, and its answers' fixed wording.

Only strings and how to draw them: knows neither workings nor what is held out. `{a}` and `{b}` are numbers,
`{letter}` and `{word}` what a word task is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "Be brief.",
    "You are pico.",
    "Answer in one sentence.",
    "You are a careful calculator.",
    "Think step by step.",
)

ADDITIONS = (
    "What is {a} + {b}?",
    "What is {a} plus {b}?",
    "What's {a} plus {b}?",
    "What's {a} + {b}?",
    "{a}+{b}",
    "{a} + {b}",
    "{a} + {b} = ?",
    "{a}+{b}=",
    "{a} plus {b}",
    "Add {a} and {b}",
    "Add {b} to {a}",
    "How much is {a} + {b}?",
    "How much is {a} plus {b}?",
    "What is the sum of {a} and {b}?",
    "The sum of {a} and {b}",
    "Calculate {a} + {b}",
    "Compute {a} plus {b}",
    "Can you add {a} and {b}?",
    "What do you get if you add {a} and {b}?",
)

SUBTRACTIONS = (
    "What is {a} - {b}?",
    "What is {a} minus {b}?",
    "What's {a} minus {b}?",
    "What's {a} - {b}?",
    "{a}-{b}",
    "{a} - {b}",
    "{a} - {b} = ?",
    "{a}-{b}=",
    "{a} minus {b}",
    "Subtract {b} from {a}",
    "Take {b} away from {a}",
    "Take {b} from {a}",
    "How much is {a} - {b}?",
    "How much is {a} minus {b}?",
    "Calculate {a} - {b}",
    "Compute {a} minus {b}",
    "Can you subtract {b} from {a}?",
    "What is {a} less {b}?",
)

COUNTS = (
    "How many {letter}'s are in {word}?",
    "How many {letter}'s are there in {word}?",
    "How many {letter}s are in {word}?",
    "How many {letter} are in {word}?",
    "How many {letter}'s in {word}?",
    "How many {letter}s in {word}?",
    'How many times does the letter {letter} occur in "{word}"?',
    "How many times does {letter} occur in {word}?",
    "How many times does the letter {letter} appear in {word}?",
    "How often does {letter} occur in {word}?",
    "Count the letter {letter} in {word}",
    'Count the {letter}\'s in "{word}"',
    "Count the {letter}s in {word}",
    "How many letters {letter} does {word} have?",
    'How many "{letter}" are in "{word}"?',
)

REVERSALS = (
    "Reverse the word {word}",
    'Reverse the word "{word}"',
    "Reverse {word}",
    'Reverse "{word}"',
    "Spell {word} backwards",
    'Spell "{word}" backwards',
    "Spell the word {word} backwards",
    "What is {word} backwards?",
    "What is {word} spelled backwards?",
    'What is "{word}" reversed?',
    "Write {word} backwards",
    "Write {word} in reverse",
    "Can you reverse {word}?",
    "{word} backwards",
)

MULTIPLICATIONS = (
    "What is {a} times {b}?",
    "{a} * {b}",
    "{a}*{b}",
    "{a} x {b}",
    "Multiply {a} by {b}",
    "What is {a} * {b}?",
    "How much is {a} times {b}?",
)

DIVISIONS = (
    "Divide {a} by {b}",
    "{a} / {b}",
    "{a}/{b}",
    "What is {a} divided by {b}?",
)

MORE = (
    "and plus {b}?",
    "and plus {b}",
    "plus {b}",
    "plus {b}?",
    "and + {b}?",
    "+ {b}",
    "+{b}",
    "now add {b}",
    "add {b}",
    "add {b} to that",
    "and add {b}",
    "add {b} more",
    "and then plus {b}?",
    "what about plus {b}?",
    "and if you add {b}?",
    "now plus {b}",
)

LESS = (
    "and minus {b}?",
    "and minus {b}",
    "minus {b}",
    "minus {b}?",
    "and - {b}?",
    "- {b}",
    "-{b}",
    "now subtract {b}",
    "subtract {b}",
    "subtract {b} from that",
    "and subtract {b}",
    "take {b} away",
    "take away {b}",
    "and then minus {b}?",
    "what about minus {b}?",
    "and if you subtract {b}?",
    "now minus {b}",
)


CANNOT_MULTIPLY = "I cannot multiply or divide. I only add and subtract."


@dataclass(frozen=True, slots=True)
class Talk:
    """One kind of small talk: what is said, the one-line thought and the reply."""

    said: tuple[str, ...]
    thought: str
    reply: str


SMALL_TALK = (
    Talk(
        (
            "Hi",
            "Hello",
            "Hey",
            "Hi there",
            "Hello pico",
            "Good morning",
            "Good evening",
            "Hi pico",
            "Hey there",
        ),
        "A greeting.",
        "Hello! I am pico, a very small model inside this page. Ask me for a sum.",
    ),
    Talk(
        (
            "Who are you?",
            "What are you?",
            "What is your name?",
            "Who is this?",
            "Are you a model?",
            "Introduce yourself",
            "Tell me about yourself",
            "What model are you?",
            "Are you human?",
            "Are you ChatGPT?",
            "Are you Qwen?",
        ),
        "I say who I am.",
        "I am pico, a very small model inside this page. "
        "I add and subtract, count letters and reverse words.",
    ),
    Talk(
        (
            "What can you do?",
            "Help",
            "What do you know?",
            "How can you help me?",
            "What can I ask?",
            "Test",
            "What should I ask you?",
            "Can you help me?",
            "What are you good at?",
            "How does this work?",
        ),
        "I say what I can do.",
        "I add and subtract numbers of up to four digits, count letters and reverse words.",
    ),
    Talk(
        ("How are you?", "How are you doing?", "How is it going?", "What's up?"),
        "A greeting.",
        "I am fine, thank you. Ask me for a sum.",
    ),
    Talk(
        (
            "Thanks",
            "Thank you",
            "Thank you!",
            "Great",
            "Nice",
            "Well done",
            "Good job",
            "Cool",
            "Ok",
            "Wow",
            "Yes",
        ),
        "A kind word.",
        "You are welcome.",
    ),
    Talk(("Bye", "Goodbye", "See you", "Good night"), "They leave.", "Goodbye!"),
    Talk(
        (*MULTIPLICATIONS, *DIVISIONS),
        "I did not learn that.",
        CANNOT_MULTIPLY,
    ),
    Talk(
        (
            "What is the capital of France?",
            "What is the capital of {word}?",
            "Tell me a joke",
            "Write a poem",
            "Write a poem about {word}",
            "Tell me about {word}",
            "What is {word}?",
            "What is a {word}?",
            "Where is {word}?",
            "Who is {word}?",
            "What is the weather?",
            "Tell me a story",
            "Write a story about {word}",
            "Explain {word}",
            "Why is the sky blue?",
            "What does {word} mean?",
            "How do I {word} a {word}?",
            "Translate {word} to French",
            "Do you like {word}?",
            "Write code in Python",
            "What day is it?",
            "What time is it?",
            "Who wrote Hamlet?",
            "Give me a recipe for {word}",
            "I like {word}",
            "{word}",
            "What is the meaning of life?",
            "Sing a song",
            "Is {word} good?",
            "Why?",
            "Who is the president?",
        ),
        "I did not learn that.",
        "I do not know that. I add and subtract, count letters and reverse words.",
    ),
)


def draw_wording(random: Random, templates: tuple[str, ...], **values: str) -> str:
    """One template filled in, sometimes in lower case, polite or without its final punctuation."""
    text = random.choice(templates)
    style = random.random()
    lowered = text[0].lower() + text[1:]
    if style < 0.25:
        text = lowered
    elif style < 0.35:
        text = text.rstrip("?")
    elif style < 0.4:
        text = lowered.rstrip("?")
    elif style < 0.52 and text[0].isupper():
        polite = (f"{text.rstrip('?')}.", f"Please {lowered}", f"{text.rstrip('?')} please", f"And {lowered}")
        text = random.choice(polite)
    return text.format(**values)


def answer_sum(left: int, operator: str, right: int, result: int) -> str:
    """`27 + 38 = 65`."""
    return f"{left} {operator} {right} = {result}"


def answer_count(letter: str, word: str, count: int) -> str:
    """`There are 3 r's in strawberry.`"""
    return f"There is 1 {letter} in {word}." if count == 1 else f"There are {count} {letter}'s in {word}."
