"""Samples on disk while they cannot be stored."""

from devices.services.spool.spool import Limits, Losses, NoRoom, Spool

__all__ = ["Limits", "Losses", "NoRoom", "Spool"]
