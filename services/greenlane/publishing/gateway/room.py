"""How many bytes the gateway holds for requests that are not answered yet: of all marketplaces and of each."""

from collections import Counter

_OF_ALL = 48 * 1_048_576
_OF_EACH = 8 * 1_048_576


class Room:
    """Bytes inside, at most so many of all and of each marketplace. For one event loop."""

    def __init__(self, most: int = _OF_ALL, most_of_each: int = _OF_EACH) -> None:
        self._most = most
        self._most_of_each = most_of_each
        self._of_each: Counter[str] = Counter()
        self.held = 0

    def full(self, marketplace: str, size: int) -> bool:
        """Whether this marketplace's share has no room for so many bytes more."""
        return self._of_each[marketplace] + size > self._most_of_each

    def others(self, marketplace: str) -> bool:
        """Whether another marketplace than this one holds something."""
        return len(self._of_each) > (marketplace in self._of_each)

    def enter(self, marketplace: str, size: int) -> bool:
        """Let so many bytes in; False when there is no room, of the marketplace or at all."""
        if self.held + size > self._most or self.full(marketplace, size):
            return False
        self._of_each[marketplace] += size
        self.held += size
        return True

    def leave(self, marketplace: str, size: int) -> None:
        """So many bytes of the marketplace are gone."""
        self.held -= size
        self._of_each[marketplace] -= size
        if not self._of_each[marketplace]:
            del self._of_each[marketplace]
