"""Guesses at what a model says next: what stood behind the same words before, in prompt or answer.

Prompt lookup decoding (Saxena 2023): no draft model, only an index of pairs and triples of tokens, kept as
tokens come. A place that has been followed rightly goes on being followed; else the latest place where the
last three tokens stood before is taken, or the last two. How far to trust it is learned in each reply, from
every token and at no cost, by how long the two places have agreed already. Knows neither logits nor backends:
a guess is checked by whoever runs the model.

    … in the old lighthouse  the keeper …  at the old lighthouse ┆
          └── 3 agree ────┘  └ draft ──►      └── with these ──┘
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 3
SHORTEST = 2
"""Lengths of what is looked up. One token says too little, and four find nothing that three do not."""
_LENGTHS = range(LONGEST, SHORTEST - 1, -1)

_AGREED_TO_TELL = 9
"""Places that agree in more tokens than this are not told apart."""
_FIRST_TRUST = (0.0, 0.0, 0.3, 0.5, 0.6, 0.6, 0.75, 0.75, 0.75, 0.85)
"""By the number of tokens that agree: how often the next one does too, as long as nothing is known."""
_LEARNING_RATE = 0.2
_LEAST_TRUST = 0.4
"""A draft ends where all of it is less likely to hold: a token that does not costs up to a quarter of a step
(docs/decisions.md)."""


class PromptLookup:
    """Drafts of one reply. What a token takes does not grow with the sequence: 2 µs on CPython.

    Args:
        token_ids: The prompt.
    """

    def __init__(self, token_ids: Iterable[int] = ()) -> None:
        self._token_ids: list[int] = []
        self._trust = list(_FIRST_TRUST)
        # where the token stands that last followed these tokens
        self._followed: dict[tuple[int, ...], int] = {}
        # where the token stands that should come next (0: nowhere), and how many before it and the end agree
        self._source, self._agreed = 0, 0
        for token_id in token_ids:
            self._append(token_id)
        self._find()

    def accept(self, token_id: int) -> None:
        """The sequence goes on with this token, whoever chose it."""
        source, agreed = self._source, self._agreed
        held = source > 0 and self._token_ids[source] == token_id
        self._append(token_id)
        if source:
            self._trust[agreed] += _LEARNING_RATE * (held - self._trust[agreed])
        if held:
            self._source, self._agreed = source + 1, min(agreed + 1, _AGREED_TO_TELL)
        else:
            self._find()

    def draft(self, most: int) -> list[int]:
        """The tokens that may come next; mostly none.

        Args:
            most: How many are wanted at most.
        """
        if not self._source:
            return []
        count, trust, agreed = 0, 1.0, self._agreed
        while count < most:
            trust *= self._trust[agreed]
            if trust < _LEAST_TRUST:
                break
            count += 1
            agreed = min(agreed + 1, _AGREED_TO_TELL)
        drafted = self._token_ids[self._source : self._source + count]
        while len(drafted) < count:  # what repeats itself right here goes on with the draft itself
            drafted.append(drafted[len(drafted) - (len(self._token_ids) - self._source)])
        return drafted

    def _append(self, token_id: int) -> None:
        place = len(self._token_ids)
        for length in _LENGTHS:
            if place >= length:
                self._followed[tuple(self._token_ids[-length:])] = place
        self._token_ids.append(token_id)

    def _find(self) -> None:
        """Look for an earlier place like the end of the sequence."""
        token_ids, end = self._token_ids, len(self._token_ids)
        places = (self._followed.get(tuple(token_ids[-length:]), 0) for length in _LENGTHS)
        source = next(filter(None, places), 0)
        agreed = 0
        most = min(_AGREED_TO_TELL, source)
        while agreed < most and token_ids[source - 1 - agreed] == token_ids[end - 1 - agreed]:
            agreed += 1
        self._source, self._agreed = source, agreed
