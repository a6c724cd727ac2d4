"""Who works where in the demo."""

from random import Random

from reports.services.demo.document import Demo
from sites.models import Site, User


def desk_of(*, demo: Demo, site: Site) -> User:
    """The dispatcher by day of the company that looks after the site."""
    return demo.users["outsider" if site.team == demo.teams["other"] else "dispatcher"]


def worker_of(*, demo: Demo, site: Site, random: Random) -> User:
    """One of the crew of the site."""
    crew = [demo.users[name] for name, teams in demo.crews.items() if site.team in teams]
    return random.choice(crew)
