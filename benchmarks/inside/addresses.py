"""Where the gateways of a benchmark are."""

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
