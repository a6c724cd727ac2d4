"""Where the gateways of a benchmark are."""


def address(number: int) -> str:
    """The loopback address of a gateway: many on one port."""
    return f"127.1.{number // 250}.{number % 250 + 1}"
