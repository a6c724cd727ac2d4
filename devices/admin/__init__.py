"""The admin of collecting."""

from devices.admin import equipment, history, sources, templates

__all__ = ["equipment", "history", "sources", "templates"]
