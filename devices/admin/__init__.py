"""The admin of collecting."""

from devices.admin import equipment, templates

__all__ = ["equipment", "templates"]
