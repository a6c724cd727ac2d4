"""Deciding from numbers alone. Pure."""
