"""When to ask again somebody who did not answer: the longer that took, the later."""

import time

# One part of the time may be spent on waiting in vain, so many parts are not.
_RATIO = 4.0


class Patience:
    """A service that refuses at once is asked at once again; one that lets us wait, seldom."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._until_s = 0.0
        self.is_away = False

    def may_ask(self) -> bool:
        """Whether it is time, and if so, the beginning of the question."""
        self._since_s = time.monotonic()
        return self._since_s >= self._until_s

    def failed(self) -> bool:
        """It did not answer what `may_ask` began; whether that is news."""
        now_s = time.monotonic()
        self._until_s = now_s + _RATIO * (now_s - self._since_s)
        return self.is_missing()

    def is_missing(self) -> bool:
        """It is away, by what somebody else found, and may be asked at once; whether that is news."""
        was_away, self.is_away = self.is_away, True
        return not was_away

    def answered(self) -> bool:
        """It did; whether that is news."""
        self._until_s = 0.0
        was_away, self.is_away = self.is_away, False
        return was_away
