"""Where the gateways of a benchmark are."""

import random
import socket

PER_NET, NETS = 250, 250


def address(number: int) -> str:
    """The loopback address of a gateway: many on one port."""
    first, rest = divmod(number, PER_NET * NETS)
    return f"127.{first + 1}.{rest // PER_NET}.{rest % PER_NET + 1}"


def number_of(host: str) -> int:
    """The gateway that is at an address."""
    _loop, first, net, last = (int(part) for part in host.split("."))
    return ((first - 1) * NETS + net) * PER_NET + last - 1


# The same as SQL, of an expression `{n}`.
SQL = (
    f"'127.' || ({{n}} / {PER_NET * NETS} + 1) || '.' || mod({{n}} / {PER_NET}, {NETS})"
    f" || '.' || (mod({{n}}, {PER_NET}) + 1)"
)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of so many free ports for meters, below those of outgoing connections."""
    # Not in order: a benchmark beside this one looks, too, long before either listens.
    firsts = range(20_000, 32_000 - count, 10)
    for first in random.sample(firsts, len(firsts)):
        if not any(_is_taken(port) for port in range(first, first + count)):
            return first
    raise SystemExit("no free ports between 20000 and 32000")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
