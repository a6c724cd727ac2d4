"""The admin of collecting."""

from devices.admin import equipment, sources, templates

__all__ = ["equipment", "sources", "templates"]
