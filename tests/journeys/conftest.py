"""What journeys share: a browser, and a plant whose meters are really read."""

from tests.browsing import chromium, live_app, visit
from tests.journeys.plant import plant

__all__ = ["chromium", "live_app", "plant", "visit"]
