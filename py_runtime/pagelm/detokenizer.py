"""Token ids to text as they come: a character is handed out when its last byte has arrived.

It refuses to know tags and events; `pagelm.thinking` splits what comes out of here.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagelm.tokenizer import Tokenizer


class StreamingDetokenizer:
    """Text of a growing list of ids; all pieces joined equal `tokenizer.decode` of the whole list.

    Args:
        tokenizer: Knows the bytes of each id.
        skip_special: Whether control tokens such as `<|im_end|>` are left out.
    """

    def __init__(self, tokenizer: Tokenizer, *, skip_special: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skip_special = skip_special
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def push(self, token_id: int) -> str:
        """The characters that this id completes; often one token, sometimes nothing."""
        if self._skip_special and self._tokenizer.is_special(token_id):
            return ""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def finish(self) -> str:
        """U+FFFD when the ids end inside a character, else nothing. Afterwards a new list may begin."""
        return self._decoder.decode(b"", final=True)
