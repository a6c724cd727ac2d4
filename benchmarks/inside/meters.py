"""The meters of a benchmark, in a process of their own: `python -m benchmarks.inside.meters …`."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.inside.addresses import address
from benchmarks.launch import allow_files
from devices.drivers import Profile
from devices.drivers.library import load_points, parse_template
from devices.drivers.simulator import SimDevice, SimGateway
from devices.drivers.simulator.bench import INDUSTRY, bench_profile
from devices.drivers.simulator.server import serve

BENCH = "benchmark"
LIBRARY = Path(__file__).resolve().parents[2] / "devices" / "library"
START_PATIENCE_S = 60


@contextmanager
def meters(*, gateways: int, port: int, keys: Sequence[str]) -> Iterator[None]:
    """One meter per key behind each gateway, answering until the end of the block."""
    command = [sys.executable, "-m", __name__, str(gateways), str(port), *keys]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "up\n":
                raise RuntimeError("the meters did not come up")
            yield
        finally:
            process.send_signal(signal.SIGTERM)


async def _run(gateways: int, port: int, keys: list[str]) -> None:
    profiles = [_profile(key) for key in keys]
    served = [
        SimGateway(
            name=f"g{number}",
            host=address(number),
            port=port,
            devices=[
                SimDevice(
                    unit_id=unit,
                    profile=profile,
                    seed=number * 31 + unit,
                    industry=INDUSTRY if key == BENCH else "machinery",
                    un_v=230.0,
                )
                for unit, (key, profile) in enumerate(zip(keys, profiles, strict=True), start=1)
            ],
        )
        for number in range(gateways)
    ]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    serving = asyncio.create_task(serve(served, control_path=None, stop=stop))
    await _answering(address(gateways - 1), port)
    print("up", flush=True)
    await serving


async def _answering(host: str, port: int) -> None:
    async with asyncio.timeout(START_PATIENCE_S):
        while True:
            try:
                _reader, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _profile(key: str) -> Profile:
    if key == BENCH:
        return bench_profile()
    text = (LIBRARY / f"{key}.yaml").read_text(encoding="utf-8")
    template, errors = parse_template(text, load_points(LIBRARY / "points.yaml"))
    if template is None:
        raise ValueError(errors)
    return template.profile()


if __name__ == "__main__":
    allow_files()
    uvloop.run(_run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
