"""Places as values: what they may hold, their JSON form, and what settling refuses."""

import pytest

from bubo.errors import InputError
from bubo.places import MAX_PLACES, Place, Point, listed, settle
from bubo.types import Turn

SIZES, LENGTHS = [(100, 80), (60, 40)], [4.0]
PLACES = [
    Place.at(3, 4.5),
    Place((Point(1, 2), Point(5, 6, False)), picture=1),
    Place(box=(1, 2, 30, 40)),
    Place((Point(5, 6, False),), (1, 2, 30, 40), picture=0),
    Place(seconds=(0.5, 2), sound=0),
    Place(entity="e3"),
]


@pytest.mark.parametrize("place", PLACES)
def test_json_form_gives_the_same_place(place):
    assert Place.from_dict(place.to_dict()) == place
    assert place.to_dict()["kind"] == place.kind


def test_kinds():
    assert [place.kind for place in PLACES] == ["point", "point", "box", "box", "time", "entity"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "but got 0 of them"),
        ({"points": (Point(1, 2),), "entity": "e1"}, "but got 2 of them"),
        ({"box": (5, 5, 5, 9)}, "x0 < x1"),
        ({"box": (5, 5, 9)}, "shape"),
        ({"seconds": (2, 1)}, "start < end"),
        ({"seconds": 3}, "start and end"),
        ({"seconds": (1, 2), "picture": 0}, "none of a picture"),
        ({"box": (1, 1, 2, 2), "picture": -1}, "from 0 up"),
        ({"points": ((1, 2),)}, "tuple of Point"),
        ({"points": (Point(1, 2),) * 40}, "32 points"),
    ],
)
def test_impossible_places_are_refused(fields, said):
    with pytest.raises(InputError, match=said):
        Place(**fields)


def test_numbers_are_checked():
    with pytest.raises(InputError, match="finite"):
        Point(float("nan"), 1)
    with pytest.raises(InputError, match="True or False"):
        Point(1, 1, 1)
    with pytest.raises(InputError, match="kind"):
        Place.from_dict({"kind": "circle"})
    with pytest.raises(InputError, match="missing: kind"):
        Place.from_dict({})


def test_settling_names_the_last_medium():
    point, box, seconds = settle(
        [Place.at(1, 1), Place(box=(0, 0, 50, 80), picture=0), Place(seconds=(3, 4))], SIZES, LENGTHS, []
    )
    assert (point.picture, box.picture, seconds.sound) == (1, 0, 0)


def test_negative_points_join_the_place_before_in_their_picture():
    away = Place((Point(2, 2, False),), picture=0)
    first, second = settle([Place.at(9, 9, picture=0), Place.at(1, 1, picture=1), away], SIZES, [], [])
    assert first.points == (Point(9, 9), Point(2, 2, False))
    assert second.points == (Point(1, 1),)
    with pytest.raises(InputError, match="a positive point or a box"):
        settle([away], SIZES, [], [])
    with pytest.raises(InputError, match="a positive point or a box"):
        settle([Place.at(1, 1, picture=1), away], SIZES, [], [])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place.at(61, 5), "outside of picture 1, which has 60 x 40 pixels"),
        (Place.at(-1, 5), "outside of picture 1"),
        (Place(box=(10, 10, 30, 41), picture=1), "30, 41 lies outside"),
        (Place.at(1, 1, picture=2), "in picture 2, but the conversation has 2"),
        (Place(seconds=(1, 2), sound=1), "in sound 1, but the conversation has 1"),
        (Place(seconds=(3.5, 4.2)), "outside of sound 0, which has 4.00 s"),
        (Place(entity="e9"), "no entity 'e9' to point at; it has e1, e2"),
    ],
)
def test_places_that_are_not_there(place, said):
    with pytest.raises(InputError, match=said):
        settle([place], SIZES, LENGTHS, ["e1", "e2"])


def test_a_conversation_without_media_has_no_places():
    with pytest.raises(InputError, match="has no picture"):
        settle([Place.at(1, 1)], [], [], [])
    with pytest.raises(InputError, match="has no sound"):
        settle([Place(seconds=(1, 2))], SIZES, [], [])
    with pytest.raises(InputError, match="it has none yet"):
        settle([Place(entity="e1")], [], [], [])


def test_at_most_five():
    assert listed(None) == ()
    assert listed(PLACES[0]) == (PLACES[0],)
    assert len(Turn("user", "?", places=tuple(PLACES[:5])).places) == MAX_PLACES
    with pytest.raises(InputError, match="5 places, but 6 were given"):
        listed(PLACES)
    with pytest.raises(InputError, match="6 were given"):
        Turn("user", "?", places=tuple(PLACES))
