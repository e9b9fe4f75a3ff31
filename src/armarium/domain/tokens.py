"""What the parsers of small languages share: the words and signs of a text in a row, taken from left to right."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from armarium.domain.errors import Invalid


class Token(msgspec.Struct, frozen=True):
    """kind: as the language names it; `word` and `sign` are what `take` passes over."""

    kind: str
    text: str


END = Token("end", "")


class TokenReader(ABC):
    """A place in a row of tokens. Behind the last one there is `END`, as often as one looks."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self, ahead: int = 0) -> Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else END

    def next(self) -> Token:
        token = self.peek()
        self._at += 1
        return token

    def back(self) -> None:
        """Give the last token back."""
        self._at -= 1

    def take(self, text: str) -> bool:
        """Pass over a word or sign, if it comes next."""
        token = self.peek()
        if token.kind in ("word", "sign") and token.text == text:
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Pass over a word or sign. Raises Invalid unless it comes next."""
        if not self.take(text):
            raise self.unexpected(f"'{text}' was expected")

    @abstractmethod
    def unexpected(self, what: str) -> Invalid:
        """Say what was expected where the reader stands, in the words of the language."""
