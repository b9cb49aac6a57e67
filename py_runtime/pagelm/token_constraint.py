"""The seam between choosing tokens and whatever restricts them: which token ids may come next.

`structured.answer_constraint` implements it. Knows neither logits nor texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class TokenConstraint(Protocol):
    """What one reply may say next; `accept` each of its tokens."""

    @property
    def free(self) -> bool:
        """Whether any token may come next, so that nothing else needs to be asked."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the reply ends here, as nothing may follow."""
        ...

    @property
    def only(self) -> int | None:
        """The one token that may come next; None when there are several, or when that is not known."""
        ...

    def allows(self, token_id: int) -> bool:
        """Whether the token may come next. Tokens that end the reply count as well."""
        ...

    def listed(self) -> Sequence[int] | None:
        """All tokens that may come next; None when they are many."""
        ...

    def forced(self) -> Sequence[int]:
        """Tokens that have to come next, one after the other, whatever the model says; mostly none."""
        ...

    def accept(self, token_id: int) -> None:
        """The reply goes on with this token, whoever chose it."""
        ...
