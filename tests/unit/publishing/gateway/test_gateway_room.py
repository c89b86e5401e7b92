"""Bytes held are bounded, of all marketplaces and of each, and come back."""

from greenlane.publishing.gateway.room import Room


def test_a_marketplace_has_a_share_and_leaves_room_for_others() -> None:
    room = Room(most=100, most_of_each=60)
    assert room.enter("a", 60)
    assert not room.enter("a", 1)
    assert room.full("a", 1)
    assert room.enter("b", 40)
    assert not room.enter("b", 1)
    assert not room.full("b", 1), "there is no room at all, whoever asks"
    room.leave("a", 60)
    assert room.held == 40
    assert room.enter("a", 60)


def test_it_knows_whether_somebody_else_is_here() -> None:
    room = Room(most=100, most_of_each=60)
    assert not room.others("a")
    room.enter("a", 1)
    assert not room.others("a")
    assert room.others("b")
    room.leave("a", 1)
    assert not room.others("b")
