"""How far a transfer is."""

import sys
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[int, int | None], None]
"""Told the bytes done so far and all there are (None when unknown), from the thread that moves them."""

_WIDTH = 30


class Tally:
    """Adds up what several pieces of one transfer report; a piece that starts again takes its bytes back."""

    def __init__(self, total: int | None, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done: dict[int, int] = {}
        self._sum = 0

    def of(self, piece: int) -> Callable[[int], None]:
        """What one piece calls with the bytes it has done so far."""

        def at(done: int) -> None:
            self._sum += done - self._done.get(piece, 0)
            self._done[piece] = done
            if self._progress is not None:
                self._progress(self._sum, self._total)

        return at


class Bar:
    """Prints a headline, then a bar that grows in place; on a file or a pipe only the headline and its end."""

    def __init__(self, headline: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._moves = self._stream.isatty()
        self._shown = ""
        self._print(headline + "\n")

    def __call__(self, done: int, total: int | None) -> None:
        if total is None or (done < total and not self._moves):
            return
        share = done / total if total else 1.0
        filled = int(share * _WIDTH)
        shown = f"[{'=' * filled}{'>' if filled < _WIDTH else ''}".ljust(_WIDTH + 1) + f"] {share:.1%}"
        if shown != self._shown:
            self._shown = shown
            self._print(("\r" if self._moves else "") + shown + ("\n" if done >= total else ""))

    def _print(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
