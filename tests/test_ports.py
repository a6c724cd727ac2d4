"""Ports that several copies of the product share out among themselves."""

import socket
from pathlib import Path

from config import ports


def test_a_home_keeps_its_block_of_ports(tmp_path: Path) -> None:
    first = ports.simulator_block(tmp_path)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        assert ports.simulator_block(tmp_path) == first


def test_a_block_with_a_taken_port_is_passed_over(tmp_path: Path) -> None:
    wanted = ports.simulator_block(tmp_path)
    (tmp_path / ports.KEPT).unlink()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", wanted + ports.BLOCK_PORTS - 1))
        taken.listen()
        given = ports.simulator_block(tmp_path)

    assert given != wanted
    assert given in ports.BLOCKS
