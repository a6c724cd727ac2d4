"""Spreadsheets of master data: what goes out comes back in, and only what differs is written."""
