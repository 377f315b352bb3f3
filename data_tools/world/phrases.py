"""How people ask: per kind of question the phrasings of training and those of the held-out split.

Slots: {the} "the dog", {a} "a dog", {name} "dog", {names} "dogs"; {the2} and so on for a second thing;
{sound} "the barking", {asound} "barking" or "a siren"; {where} "at the top left"; {relation} "left of".
"""

from .follow_ups import FOLLOW_UP
from .phrasings import Phrasings, ways

SEEING = {
    "position": ways(
        """Where is {the}?
        Where do you see {the}?
        Where in the picture is {the}?
        Where can I find {the}?
        Tell me where {the} is.
        In which part of the picture is {the}?
        Can you tell me where {the} is?
        Show me {the}.""",
        """At which place is {the}?
        Could you point out {the}?
        What is the position of {the}?""",
    ),
    "count": ways(
        """How many {names} are there?
        How many {names} do you see?
        How many {names} are in the picture?
        Count the {names}.
        What is the number of {names}?
        Can you count the {names}?
        Tell me how many {names} there are.
        How many {names}?""",
        """How many {names} can you find here?
        Please say how many {names} the picture has.
        Give me the number of {names} you see.""",
    ),
    "presence": ways(
        """Is there {a} in the picture?
        Is there {a}?
        Do you see {a}?
        Can you see {a}?
        Are there any {names}?
        Do you see any {names}?
        Does the picture show {a}?
        Is {a} in this picture?""",
        """Can you find {a} here?
        Would you say there is {a} in this picture?
        Does this picture have {a} in it?""",
    ),
    "relation": ways(
        """Is {the} {relation} {the2}?
        Is {the} to be found {relation} {the2}?
        Can you say whether {the} is {relation} {the2}?
        Tell me whether {the} is {relation} {the2}.
        Would you say {the} is {relation} {the2}?
        Do you see {the} {relation} {the2}?""",
        """Does {the} lie {relation} {the2}?
        Is it true that {the} is {relation} {the2}?
        I think {the} is {relation} {the2}. Is that so?""",
    ),
    "further": ways(
        """Which is {further}, {the} or {the2}?
        Which one is {further}, {the} or {the2}?
        What is {further}: {the} or {the2}?
        Of {the} and {the2}, which is {further}?
        Is {the} or {the2} {further}?
        Tell me which is {further}, {the} or {the2}.""",
        """Between {the} and {the2}, which one is {further}?
        Compare {the} with {the2}: which is {further}?""",
    ),
    "at_position": ways(
        """What is {where}?
        What do you see {where}?
        What is {where} of the picture?
        Which object is {where}?
        Is there anything {where}?
        Tell me what is {where}.
        What is there {where}?
        What can be seen {where}?""",
        """Name the thing {where}.
        What did you find {where}?
        Look {where}: what is it?""",
    ),
    "describe_picture": ways(
        """What do you see?
        Describe the picture.
        What is in the picture?
        What does the picture show?
        Tell me about this picture.
        What can you see here?
        Please describe this picture.
        Describe what you see.""",
        """What is going on in this picture?
        Give me a description of the picture.
        What is shown here?""",
    ),
    "list_objects": ways(
        """Which objects do you see?
        List the objects.
        What objects are in the picture?
        Name all the things in the picture.
        Which things are there?
        List everything that you see.
        Can you list the things in this picture?""",
        """Make a list of the objects.
        Enumerate what is in the picture.
        Which items can you find?""",
    ),
    "list_kind": ways(
        """Which {names} do you see?
        Which {names} are there?
        List the {names}.
        What {names} are in the picture?
        Name all {names} that you see.
        Do you see any {names}?
        Are there {names}?""",
        """Enumerate the {names}.
        Which {names} can you find?
        Would there be any {names}?""",
    ),
    "colour": ways(
        """What colour is {the}?
        What is the colour of {the}?
        Which colour does {the} have?
        Tell me the colour of {the}.
        What color is {the}?
        Can you tell me what colour {the} is?""",
        """Which colour is {the}?
        Say the colour of {the}.
        In what colour is {the} drawn?""",
    ),
    "size": ways(
        """How big is {the}?
        How large is {the}?
        What size is {the}?
        Is {the} small or large?
        Is {the} small, medium or large?
        Tell me the size of {the}.""",
        """What is the size of {the}?
        How big does {the} look?
        Would you call {the} big or small?""",
    ),
    "place": ways(
        """Where is this?
        What place is this?
        Which place does the picture show?
        Where was this drawn?
        What is the background?
        What is the setting?
        In what kind of place are we?
        Where does this scene take place?""",
        """What sort of place do you see?
        Name the setting of this picture.
        What surroundings are these?""",
    ),
}

HEARING = {
    "describe_sound": ways(
        """What do you hear?
        Describe the sound.
        What is in the sound?
        What can you hear?
        Which sounds are there?
        Tell me what you hear.
        Listen to this. What is it?
        What is this sound?
        Which sounds do you hear?""",
        """What is to be heard here?
        Give me a description of the sound.
        Name the sounds in this recording.""",
    ),
    "presence_sound": ways(
        """Do you hear {asound}?
        Can you hear {asound}?
        Is there {asound} in the sound?
        Is {asound} to be heard?
        Does the sound contain {asound}?
        Is that {asound}?
        Do I hear {asound}?""",
        """Is {asound} part of this recording?
        Would you say there is {asound} in it?
        Did you hear {asound}?""",
    ),
    "when": ways(
        """When is {sound} heard?
        When do you hear {sound}?
        At what time do you hear {sound}?
        At which seconds is {sound} heard?
        Tell me when {sound} is heard.
        From when to when do you hear {sound}?
        When does {sound} start and end?""",
        """Between which seconds can one hear {sound}?
        Please give the time of {sound}.
        At what moment is {sound} to be heard?""",
    ),
}

TOGETHER = {
    "describe_both": ways(
        """What do you see and hear?
        Describe the picture and the sound.
        What do you hear and see?
        Tell me what you see and what you hear.
        What is in the picture and in the sound?
        Describe both.
        What can you see and hear here?""",
        """Describe all that you see and hear.
        What do the picture and the sound contain?
        Give me a description of picture and sound.""",
    ),
    "source": ways(
        """Which object makes {sound}?
        What makes {sound}?
        Where does {sound} come from?
        What is making {sound}?
        Which thing in the picture makes {sound}?
        Who makes {sound}?
        Where is the source of {sound}?
        What is the source of {sound}?""",
        """What produces {sound}?
        Which of the objects could {sound} come from?
        Find the source of {sound} in the picture.""",
    ),
    "source_only": ways(
        """Which object makes the sound?
        What makes this sound?
        Where does the sound come from?
        What is making the sound?
        Which thing in the picture makes the sound that I hear?
        Who makes this sound?""",
        """What produces the sound?
        Find the source of the sound in the picture.""",
    ),
    "verdict": ways(
        """Do the picture and the sound belong together?
        Does the sound fit the picture?
        Do they belong together?
        Does the sound match the picture?
        Could this sound come from this picture?
        Do sound and picture match?
        Is this the right sound for the picture?
        Do the sound and the picture go together?""",
        """Would you say that this sound belongs to this picture?
        Are picture and sound from the same scene?
        Is the sound related to the picture?""",
    ),
}

ABSENT = {
    "both_here": ways(
        """Where are {the} and {the2}?
        Where do you see {the} and {the2}?
        Show me {the} and {the2}.
        Where is {the} and where is {the2}?
        Find {the} and {the2}.
        Tell me where {the} and {the2} are.""",
        """At which places are {the} and {the2}?
        Could you point out {the} and {the2}?""",
    ),
    "doing": ways(
        """What is {the} doing?
        Tell me about {the}.
        What can you say about {the}?
        Describe {the}.
        Find {the}.
        Is {the} near {the2}?""",
        """What does {the} look like?
        Say something about {the}.""",
    ),
}

PHRASES: dict[str, Phrasings] = {**SEEING, **HEARING, **TOGETHER, **ABSENT, **FOLLOW_UP}
WHERE_ASKED = {
    "top left": ("at the top left", "in the top left corner", "in the upper left"),
    "top": ("at the top", "at the top in the middle", "at the upper edge"),
    "top right": ("at the top right", "in the top right corner", "in the upper right"),
    "left": ("on the left", "on the left side", "at the left edge"),
    "centre": ("in the centre", "in the middle", "in the center"),
    "right": ("on the right", "on the right side", "at the right edge"),
    "bottom left": ("at the bottom left", "in the bottom left corner", "in the lower left"),
    "bottom": ("at the bottom", "at the bottom in the middle", "at the lower edge"),
    "bottom right": ("at the bottom right", "in the bottom right corner", "in the lower right"),
}
RELATION_ASKED = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "higher than"),
    "below": ("below", "lower than"),
}
FURTHER_ASKED = {
    "left": ("further left", "farther to the left", "more to the left"),
    "right": ("further right", "farther to the right", "more to the right"),
    "up": ("higher", "further up", "higher up"),
    "down": ("lower", "further down", "lower down"),
}
