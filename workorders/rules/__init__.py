"""What may be written into orders and tasks, and when planned work is due. Pure."""

from workorders.rules.texts import CAPTION_LENGTH, LATEST_DUE, TITLE_LENGTH, choice, due

__all__ = ["CAPTION_LENGTH", "LATEST_DUE", "TITLE_LENGTH", "choice", "due"]
