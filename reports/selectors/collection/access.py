"""Who looks at the machinery: whoever maintains the whole platform, because shards hold many sites."""

from django.contrib.auth.models import AnonymousUser

from core.errors import Forbidden
from sites.models import User, access_for
from sites.rules import Ability


def may_operate(user: User | AnonymousUser) -> bool:
    """Whether the person maintains the whole platform."""
    return access_for(user).has_everywhere(Ability.MANAGE_SITE)


def require_operator(user: User) -> None:
    """Raises Forbidden for everybody else."""
    if not may_operate(user):
        raise Forbidden
