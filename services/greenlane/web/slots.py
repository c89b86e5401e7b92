"""Slots for connections: how many there may be, and which connection leaves when none is free."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Protocol

CONNECTION = "greenlane.connection"
"""Under this name a request's state has its `Connection`."""
_HOST_BITS = 64
"""An IPv6 customer is given a whole /64, so it is one client here."""


class Connection(Protocol):
    """What holds a slot."""

    def make_room(self) -> None:
        """Close now; somebody else needs the slot."""
        ...

    def vouch(self, owner: str) -> None:
        """A key of this owner was shown on it."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Counts of connections, and the seconds that a client may take."""

    most: int = 512
    most_of_address: int = 128
    most_vouched: int = 16
    head: float = 10.0
    body: float = 20.0
    idle: int = 5
    reading: float = 10.0


def client_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS))


@dataclass(slots=True)
class _Slot:
    client: str
    waits: bool = True
    voucher: str | None = None


class Slots:
    """A bounded number of connections, of which those that wait for their client can be closed for a newcomer.

    A connection waits while the next step is its client's: a head, a body, or reading an answer. The one that has
    waited longest leaves, of its own client once that has its share, else of all; those that a key vouches for leave
    only when all slots are taken and no other waits. `shared` are addresses of proxies, through which many clients
    come: they have no share of their own.
    """

    def __init__(self, limits: ConnectionLimits, shared: Collection[str] = ()) -> None:
        self.limits = limits
        self._shared = frozenset(client_of(address) for address in shared)
        self._held: dict[Connection, _Slot] = {}
        self._of_client: dict[str, dict[Connection, _Slot]] = {}
        self._vouched: Counter[str] = Counter()

    def enter(self, connection: Connection, host: str) -> bool:
        """Give the newcomer a slot, waiting; False when every slot is taken by one that is being answered."""
        client = client_of(host)
        own = self._of_client.get(client, {})
        leaving: Connection | None = None
        if client not in self._shared and len(own) >= self.limits.most_of_address:
            leaving = _longest(own)
        if leaving is None and len(self._held) >= self.limits.most:
            leaving = _longest(self._held) or _longest(self._held, vouched=True)
            if leaving is None:
                return False
        if leaving is not None:
            self.leave(leaving)
            leaving.make_room()
        self._put(connection, _Slot(client))
        return True

    def wait(self, connection: Connection) -> None:
        """From now on the connection waits for its client."""
        self._stand(connection, waits=True)

    def work(self, connection: Connection) -> None:
        """From now on its client waits for us: it keeps its slot."""
        self._stand(connection, waits=False)

    def vouch(self, connection: Connection, owner: str) -> None:
        """A key of this owner was shown on the connection; it vouches for so many at most."""
        slot = self._held.get(connection)
        if slot is not None and slot.voucher is None and self._vouched[owner] < self.limits.most_vouched:
            slot.voucher = owner
            self._vouched[owner] += 1

    def leave(self, connection: Connection) -> None:
        """The slot is free; nothing happens when it was so already."""
        slot = self._held.pop(connection, None)
        if slot is None:
            return
        own = self._of_client[slot.client]
        del own[connection]
        if not own:
            del self._of_client[slot.client]
        if slot.voucher is not None:
            self._vouched[slot.voucher] -= 1
            if not self._vouched[slot.voucher]:
                del self._vouched[slot.voucher]

    def _stand(self, connection: Connection, *, waits: bool) -> None:
        slot = self._held.pop(connection, None)
        if slot is not None:
            slot.waits = waits
            del self._of_client[slot.client][connection]
            self._put(connection, slot)

    def _put(self, connection: Connection, slot: _Slot) -> None:
        self._held[connection] = slot
        self._of_client.setdefault(slot.client, {})[connection] = slot


def _longest(held: Mapping[Connection, _Slot], *, vouched: bool = False) -> Connection | None:
    """The first of those that wait and that somebody vouches for or not; None when there is none."""
    return next((at for at, slot in held.items() if slot.waits and (slot.voucher is not None) is vouched), None)
