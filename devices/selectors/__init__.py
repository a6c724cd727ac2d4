"""Reads of equipment: gates, points of devices, and the search over all of them."""

from devices.selectors.points import DevicePoint, device_for, gateway_for, points_for
from devices.selectors.search import Found, search

__all__ = ["DevicePoint", "Found", "device_for", "gateway_for", "points_for", "search"]
