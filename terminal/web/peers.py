"""Who is connected, and from where: so many connections an address, so many in all.

An address is an IPv4 address or an IPv6 network of 64 bits (one household has all of it). The machine itself and proxies that
are named are not counted as one: behind them stand many. What a named proxy says in X-Forwarded-For is believed, and counted,
and nobody else's word is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Peers:
    """The open connections. A connection is known by any object of its own, kept until `leave`."""

    def __init__(self, per_address: int, most: int, proxies: Iterable[str] = ()) -> None:
        self._per_address, self._most = per_address, most
        self._proxies: list[Network] = [ip_network(proxy, strict=False) for proxy in proxies]
        self._from: dict[object, str] = {}
        self._real: dict[object, str] = {}  # where a proxy's connection comes from, as it says
        self._counted: dict[object, str] = {}
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._from)

    def enter(self, connection: object, host: str) -> bool:
        """A connection came from `host`; False when it is one too many. It is known from now on either way."""
        host = _plain(host)
        room = len(self._from) < self._most
        self._from[connection] = host
        return room and (self._is_many(host) or self._count(connection, host))

    def told(self, connection: object, forwarded: Sequence[str]) -> bool:
        """What stood in X-Forwarded-For of its request, nearest last; False when its real address has too many."""
        host = self._from.get(connection, "")
        if not forwarded or not self._is_proxy(host):
            return True
        hops = [_plain(hop.strip()) for line in forwarded for hop in line.split(",")]
        real = next((hop for hop in reversed(hops) if not self._is_proxy(hop)), "")
        if not real or self._real.get(connection) == real:
            return True
        self._uncount(connection)
        self._real[connection] = real
        return self._count(connection, real)

    def behind_proxy(self, connection: object) -> str:
        """The address a named proxy told of this connection; '' when none did."""
        return self._real.get(connection, "")

    def leave(self, connection: object) -> None:
        """It is gone; harmless when it was not there."""
        self._from.pop(connection, None)
        self._real.pop(connection, None)
        self._uncount(connection)

    def _count(self, connection: object, host: str) -> bool:
        place = _place(host)
        self._counts[place] += 1
        self._counted[connection] = place
        return self._counts[place] <= self._per_address

    def _uncount(self, connection: object) -> None:
        place = self._counted.pop(connection, None)
        if place is not None:
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]

    def _is_many(self, host: str) -> bool:
        """Whether many may stand behind it: this machine, a proxy, a socket of the file system."""
        return not host or ip_address(host).is_loopback or self._is_proxy(host)

    def _is_proxy(self, host: str) -> bool:
        if not host:
            return False
        address = ip_address(host)
        return any(address in network for network in self._proxies)


def _plain(host: str) -> str:
    """An address as it is compared; '' for what is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _place(host: str) -> str:
    address = ip_address(host)
    return str(IPv6Network((int(address) >> 64 << 64, 64))) if address.version == 6 else str(address)
