"""How long silence is believed: per line and per device, growing and bounded."""

import logging
from dataclasses import dataclass

logger = logging.getLogger(__name__)

STEP_S = 2.0
LONGEST_LINK_S = 60.0
LONGEST_DEVICE_S = 300.0


@dataclass(slots=True)
class Silence:
    """since and retry_at are on the bus's monotonic clock; error is what polls are told meanwhile."""

    since: float
    error: str = "backoff"
    failures: int = 0
    retry_at: float = 0.0


class Backoffs:
    """Who on one bus is left alone, and until when. Logs each change once.

    Failure n keeps a device or the link alone for 2 s · n, at most 300 s or 60 s.
    """

    def __init__(self, bus_key: int) -> None:
        self.bus_key = bus_key
        self.link: Silence | None = None
        self.devices: dict[int, Silence] = {}
        self._quiet_since: float | None = None

    def why_not(self, device_id: int, now: float) -> str | None:
        """Why a poll of this device is answered without asking; None when it may go ahead."""
        if self.link is not None and now < self.link.retry_at:
            return self.link.error
        silence = self.devices.get(device_id)
        return silence.error if silence is not None and now < silence.retry_at else None

    def note_no_link(self, now: float, reason: str, error: str = "refused") -> None:
        """The gateway cannot be reached, or drops the connection; error is the word for it."""
        if self.link is None:
            self.link = Silence(since=now)
            logger.warning("bus.down bus=%s reason=%s", self.bus_key, reason)
        self.link.error = error
        _extend(self.link, now, LONGEST_LINK_S)

    def note_silence(self, device_id: int, now: float) -> None:
        """The device let a question time out; the gateway was there."""
        self._note_link()
        silence = self.devices.get(device_id)
        if silence is None:
            silence = self.devices[device_id] = Silence(since=now)
            logger.warning("device.silent bus=%s device=%s", self.bus_key, device_id)
        if self._quiet_since is None:
            self._quiet_since = silence.since
        _extend(silence, now, LONGEST_DEVICE_S)

    def note_answer(self, device_id: int) -> None:
        """The device answered, whatever it said.

        When a silent device is the first to answer on a bus where nobody did, all that fell silent
        with it are asked again at once: it was the line, not they.
        """
        if self.link is None and not self.devices:
            return
        self._note_link()
        silence = self.devices.pop(device_id, None)
        if silence is not None:
            logger.info("device.answers bus=%s device=%s", self.bus_key, device_id)
            if self._quiet_since is not None and silence.since >= self._quiet_since:
                for other in self.devices.values():
                    if other.since >= self._quiet_since:
                        other.retry_at = 0.0
        self._quiet_since = None

    def forget(self) -> None:
        """Facts changed: everybody gets a fresh chance."""
        self.link = None
        self.devices.clear()
        self._quiet_since = None

    def _note_link(self) -> None:
        if self.link is not None:
            self.link = None
            logger.info("bus.up bus=%s", self.bus_key)


def _extend(silence: Silence, now: float, longest_s: float) -> None:
    silence.failures += 1
    silence.retry_at = now + min(STEP_S * silence.failures, longest_s)
