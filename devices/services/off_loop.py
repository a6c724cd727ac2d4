"""Database work for coroutines of the process's loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run it off the loop; its connection goes back at once."""

    def run() -> Result:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)
