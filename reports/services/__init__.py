"""Writes that reach over several apps: the demo."""
