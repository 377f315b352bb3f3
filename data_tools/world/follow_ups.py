"""How people ask on: questions that need the turn before them ("it", "the other one", "what about")."""

from .phrasings import ways

FOLLOW_UP = {
    "why": ways(
        """Why?
        Why is that?
        How do you know?
        Why do you think so?
        And why?
        What makes you think so?""",
        """For what reason?
        On what does that rest?""",
    ),
    "position_it": ways(
        """Where is it?
        And where is it?
        Where do you see it?
        In which part of the picture is it?
        Where exactly?
        Show it to me.""",
        """At which place is it?
        What is its position?""",
    ),
    "colour_it": ways(
        """What colour is it?
        And its colour?
        Which colour does it have?
        What is its colour?
        What color is it?
        Tell me its colour.""",
        """In what colour is it drawn?
        Say its colour.""",
    ),
    "size_it": ways(
        """How big is it?
        And how big is it?
        How large is it?
        What size is it?
        Is it small or large?
        Tell me its size.""",
        """What is its size?
        How big does it look?""",
    ),
    "relation_it": ways(
        """Is it {relation} {the2}?
        And is it {relation} {the2}?
        Would you say it is {relation} {the2}?
        Tell me whether it is {relation} {the2}.
        Can you say whether it is {relation} {the2}?
        So it is {relation} {the2}?""",
        """Does it lie {relation} {the2}?
        Is it true that it is {relation} {the2}?""",
    ),
    "count_them": ways(
        """How many of them are there?
        How many are there?
        How many of them do you see?
        How many?
        And how many are there?
        Can you count them?
        Count them.""",
        """What is their number?
        How many of them can you find?""",
    ),
    "what_about": ways(
        """What about {the}?
        And {the}?
        And what about {the}?
        How about {the}?
        What of {the}?
        Now {the}.""",
        """Same question for {the}.
        And as for {the}?""",
    ),
    "what_about_a": ways(
        """What about {a}?
        And {a}?
        And what about {a}?
        How about {a}?
        Or {a}?
        Maybe {a}?""",
        """Same question for {a}.
        And would there be {a}?""",
    ),
    "what_about_many": ways(
        """What about {names}?
        And {names}?
        And what about the {names}?
        How about {names}?
        And how many {names}?
        Now the {names}.""",
        """Same question for the {names}.
        And as for the {names}?""",
    ),
    "other_one": ways(
        """And the other one?
        Where is the other one?
        What about the other one?
        And where is the other one?
        How about the other one?
        Where do you see the other?""",
        """At which place is the other one?
        And as for the other?""",
    ),
    "when_it": ways(
        """When is it heard?
        When do you hear it?
        At what time?
        And when?
        At which seconds is it heard?
        Tell me when it is heard.""",
        """Between which seconds can one hear it?
        Please give its time.""",
    ),
    "source_it": ways(
        """What makes it?
        Where does it come from?
        Which object makes it?
        And what makes it?
        What is making it?
        What is its source?""",
        """What produces it?
        Which of the objects could it come from?""",
    ),
    "sound_later": ways(
        """Here is a sound. What do you hear?
        Now listen to this. What do you hear?
        And here is a sound. What is it?
        I have a sound for you, too. What do you hear?
        Now a sound: what do you hear?
        Listen. What is this?""",
        """Now I give you a sound. What is to be heard?
        Next, a recording. Name the sounds in it.""",
    ),
    "fits_later": ways(
        """Does it fit the picture?
        Does it belong to the picture?
        And does it match the picture?
        Do they belong together?
        Does that go with the picture?
        Could it come from the picture?""",
        """Is it related to the picture?
        Would you say that it belongs to the picture?""",
    ),
}
