"""The wordings from which `grammar` composes questions about what was said before.

Each kind has a head, "= key scope", then direct questions (?), clauses (c), nouns (n), orders (o) and
fragments (f). Entries stand between bars; `grammar` explains the signs in them and why their order counts.
"""

FOLLOWING = """
= why
? Why? | Why is that? | How do you know(/ that)? | How can one (know/see) that?
| Why do you (think/say/believe) (so/that)? | And why? | What makes you (think so/say that/so sure)?
| How can you (tell/know/be sure)? | Why so? | What makes you believe that?
| How did you (find that out/work that out)? | What is your (reason/evidence)(/ for that)?
| What do you base that on? | How come? | Are you sure, and why? | Why do you know that?
| Can you explain (that/your answer)? | Can you give me a reason? | What shows (you /)that?
| And what shows that? | What tells you (so/that)? | From what can you (tell/see) that?
| At what did you look to find that out? | On what grounds(/ do you say that)?
| Where did you get that from?
c why that is (so/the case) | why (this/that) is (right/true) | what makes that (right/true) | why it is so
| what the reason (is/for that is) | how you (know/found out/can tell) | what tells you (so/that)
n the reason(/ for that/ for your answer) | your (reason/evidence)(/ for that)
| the evidence for (that/this/your answer) | the reason why that is so | your ground for (that/saying so)
o explain (that/your answer/why) | give (me /)a reason | give me (your reason/the evidence)
| tell me how you know | tell me why(/ you think so) | say why(/ you think so) | show me how you know that
| justify (that/your answer) | prove it | explain how you know | tell me (what shows that/your reason)
| back that up
f why so? | reason? | because of what? | why that? | how so? | and the reason? | evidence? | says who?
| how do you know | why though?
= position_it picture
? Where is it @? | And where is it? | Where do you see it @? | Where can I (find/see) it @?
| In (which/what) (part/area) of the (picture/image) is it? | Where exactly? | And where (exactly/roughly)?
| Whereabouts(/ is it)? | Where in the (picture/image) is it? | And where do you see it @?
| At (which/what) spot is it? | Where is it (located/placed/to be found) @?
| I can't (see/find) it. Where is it? | On which side is it?
| At (what/which) (place/point/position) % is it? | In (what/which) (corner/section/zone) % is it?
| Where does it (sit/stand/lie) @? | Where'd it go @? | What is its (place/position/location) @?
| (Which/What) (half/third/part) % is it in? | Near (which/what) (edge/side/corner) % is it?
| Is it on the left, on the right or somewhere else @? | And at what place % is it?
c where it is @ | where it can be (seen/found) @ | where I can (find/see/spot) it @
| where it is (located/placed) @ | in which part of the picture it is | at (what/which) (place/spot) % it is
| where it (sits/lies/went) @ | whereabouts it is @
n the (position/location) of it | its (position/location) @ | its exact (position/spot)
| the spot where it is @ | the (place/part %) where it is | its (place/whereabouts) @
o show it to me | show me where it is @ | point (at/to) it | locate it @ | point it out | mark it @
| find it @ | put your finger on it | highlight it @ | spot it @ | say where it is @
| tell me (where/whereabouts) it is @ | give me its (position/location) @
f where? | where is it | where exactly | which part? | its location? | whereabouts? | it: where? | where at?
| where's it at? | which side? | left or right, top or bottom?
= colour_it
? What (colour/color) is it? | And its (colour/color)? | (Which/What) (colour/color) does it have?
| And what (colour/color) does it have? | What is its (colour/color)?
| (What/Which) (colour/color) has it got? | In (what/which) (colour/color) is it (drawn/painted)?
| How is it coloured? | And what (colour/color) is it? | And what is the (colour/color) of it?
| What about its (colour/color)? | Is it red, blue or some other (colour/color)?
| At a glance, what (colour/color) is it? | (Which/What) (colour/color) would you say it is?
| What shade is it? | And which (colour/color) is that? | What (colour/color) has it been (given/painted)?
| And how is it coloured?
c (what/which) (colour/color) it (is/has) | what its (colour/color) is | how it is coloured
| in (what/which) (colour/color) it is painted | which shade it (is/has)
| what (colour/color) it has been (given/painted)
n its (colour/color) | the (colour/color) of it | the (colour/color) that it has
| the (colour/color) in which it is drawn | its shade
o name its (colour/color) | describe its (colour/color) | say (what/which) (colour/color) it (is/has)
| tell me what (colour/color) it is | give me its (colour/color), too | tell me its (colour/color)
| look again and say what (colour/color) it is
f (colour/color)? | its (colour/color)? | and (colour/color)? | it: what (colour/color)?
| what (colour/color) is it | which (colour/color)? | what shade? | and what (colour/color) is that
= size_it
? How (big/large) is it? | And how (big/large) is it? | What size is it? | And what size does it have?
| Is it (small or large/big or small)? | Is it small, medium or large? | What is its size? | And its size?
| How (big/large) does it look? | And is it big or small? | What about its size?
| Would you call it (small or large/big or small)? | What size does it have? | Which size is it?
| At what size has it been drawn? | How much (room/space) does it take up?
| And how large would you say it is? | What sort of size is it?
| Which size does it have: small, medium or large?
c how (big/large) it is | what size it (is/has) | whether it is (small or large/big or small)
| how (big/large) it looks | what its size is | which size it (is/has) | how much (room/space) it takes up
| how (big/large) it has been drawn
n its size | the size of it | the size that it has | its rough size | its (rough/approximate) size
o name its size | describe its size | say how (big/large) it is | tell me how (big/large) it is
| judge its size | tell me if it is small or large | give me its size | tell me (its size/what size it is)
| say whether it is (big or small/small, medium or large)
f size? | its size? | how big? | and how large? | big or small? | small or large? | what size? | how large?
| small, medium or large? | and the size?
= relation_it picture
? Is it {relation} {the2} @? | And is it {relation} {the2}? | Would you say (that/) it is {relation} {the2}?
| And would you say it is {relation} {the2}? | So it is {relation} {the2}(, right/)?
| Is it (true/right) that it is {relation} {the2}? | Is it (located/placed/to be found) {relation} {the2}?
| Do you see it {relation} {the2}? | Do you think it is {relation} {the2}?
| Has it been (drawn/placed) {relation} {the2}? | I think it is {relation} {the2}. Am I right?
| Am I right that it is {relation} {the2}? | Is it also {relation} {the2}?
| Is it the case that it is {relation} {the2} @? | What do you say, is it {relation} {the2}?
| Where is it: {relation} {the2}, or not? | Can you see whether it is {relation} {the2}?
c whether it is {relation} {the2} | if it is {relation} {the2}
| whether it (is placed/has been drawn) {relation} {the2} | whether it is right that it is {relation} {the2}
| whether or not it is {relation} {the2} | if one can say that it is {relation} {the2}
o check (whether/if) it is {relation} {the2} | say whether it is {relation} {the2}
| decide whether it is {relation} {the2} | look and say whether it is {relation} {the2}
| tell me (if/whether) it is {relation} {the2} | see (if/whether) it is {relation} {the2}
f {relation} {the2}? | it: {relation} {the2}? | {relation} {the2}, yes or no? | {relation} {the2}, right?
| and {relation} {the2}? | {relation} {the2}, or not? | is it {relation} {the2}
| it is {relation} {the2}, right?
= count_them picture
? How many of them are there @? | How many are there @? | How many of them (do/can) you (see/count) @?
| How many can be seen @? | How many? | And how many are there? | Can you count them?
| How many did you (find/see/count)? | And how many of them? | And how many (do/can) you (see/find) @?
| How many are there in (all/total)? | What is their number? | And their number?
| If you count them, how many are there? | What number of them (is/can be seen) @?
| What is the (count/total)? | And what number do you get? | At a guess, how many are there @?
| How many of those (are there/do you see) @?
c how many (of them /)there are @ | how many of them (can be seen/are visible) @ | how many I can (see/find) @
| how many have been drawn @ | what their number is | how many of those there are @
| what number of them there is @
n their (number/total) | the number of them @ | the exact number of them | their total number
| the (count/total) of them @ | the number that you (see/count) @
o count them @ | count (all of them/them all) @ | say how many there are @ | count how many there are @
| find them (all /)and count them | tell me how many (you see/there are) @
| give me (the number/their number) | tell me the (number/count) of them
f how many? | number? | and how many | how many in all? | how many in total? | count? | how many of those?
| what number? | and the number? | how many are there
= what_about
? What about {the}? | And {the}? | And what about {the}? | And how about {the}? | How about {the}?
| What of {the}? | Now {the}. | Next, {the}? | The same (question/) for {the}. | And for {the}?
| And now {the}? | Then what about {the}? | OK, and {the}? | And what of {the}? | And now what about {the}?
| And the same for {the}? | And what do you say about {the}? | What do you say for {the}?
| And as for {the}? | What would you answer for {the}? | Could you do {the}, too? | Can you also do {the}?
| Same for {the}? | And if I ask about {the}? | Now what of {the}?
o do the same for {the} | answer the same for {the} | take {the} now | answer that for {the}
| say the same for {the} | do {the} next | do {the}, too | tell me the same about {the}
f {the}? | and {the} | now {the} | now for {the} | next: {the} | same for {the}? | what about {the}
| and {the}, then? | {the}, too? | how about {the}
= what_about_a
? What about {a}? | And {a}? | And what about {a}? | And how about {a}? | How about {a}? | Or {a}?
| Maybe {a}? | Perhaps {a}? | Or (maybe/perhaps) {a}? | And (maybe/perhaps) {a}? | And is there {a}, too?
| Is there also {a}? | Do you see {a}, too? | Or what about {a}? | Then (maybe/perhaps) {a}?
| Or is there {a}? | And {a}, too? | Do you also see {a}? | If not that, then {a}?
| And what if I ask about {a}? | Is there {a}, perhaps? | Is there {a} as well? | So what about {a}?
| Could there also be {a}? | Can you see {a}, too?
c whether there is also {a} | whether there is {a}, too | if there is {a} as well | if there is also {a}
| if you also see {a} | whether you can see {a} as well
o check for {a}, too | also check for {a} | check whether there is also {a} | check if there is {a}, too
| look for {a}, too | see (if/whether) there is {a}, too
f {a}? | and {a} | or {a} | and {a}, perhaps | also {a}? | {a}, too? | what about {a} | or maybe {a}?
| and {a}, yes or no?
= what_about_many
? What about (the/) {names}? | And (the/) {names}? | And what about (the/) {names}?
| And how about (the/) {names}? | How about (the/) {names}? | And how many {names}(/ are there)?
| Now the {names}. | What of the {names}? | And now the {names}? | And the number of {names}?
| And how many {names} do you see? | How many {names} are there, then? | The same (question/) for the {names}.
| And for (the/) {names}? | And for {names}, how many? | And the {names}, how many?
| What number of {names} is there, then? | And if you count the {names}? | And how many are the {names}?
| Can you also count the {names}? | Could you do the {names}, too?
c how many {names} there are, then | how many {names} there are, too | how many {names} there are as well
| how many {names} can be seen, too | what number of {names} there is, too | how many {names} you see, too
o count the {names}, too | do the same for the {names} | take the {names} now | count the {names} now
| count the {names} as well | also count the {names} | do the {names} next
| tell me how many {names} there are, too
f {names}? | and {names} | now {names} | {names}, how many of them? | same for {names}? | the {names}?
| how about {names}? | what about {names} | and how many {names}
= other_one picture
? And the other one? | Where is the other one @? | What about the other one?
| And where do you see the other one? | And where is the other one? | How about the other one?
| Where do you see the other(/ one) @? | Where can I (find/see) the other one @?
| In which part of the (picture/image) is the other one? | And where can I find the other?
| Where is the second one @? | And the second one? | And the other, where is that? | And how about the other?
| Whereabouts is the other one @? | At (what/which) (place/spot) % is the other one?
| Where'd the other one go @? | In which (corner/section/half) % is the other one?
| Where does the other one (sit/lie) @? | Where is the other one (situated/sitting) @?
| What is the (place/position) of the other one @?
c where the other one is @ | where I can (find/see) the other one @ | where the second one is
| where the other is @ | where the other one can be (seen/found) | at which (place/spot) % the other one is
| whereabouts the other one is @
n the (position/location) of the other one | the spot where the other one is
| the (position/location) of the second one | the position of the other | the place where the other one is @
o show me the other one(/, too) | find the other one @ | point (at/to) the other one | locate the other one @
| show me where the other one is | mark the other one, too | say where the other one is @
| tell me where to find the other one @
f other one? | the other one: where? | and the other | where the other one? | the other? | second one?
| where's the other one | and the second? | the other one: whereabouts?
= when_it sound
? When is it (heard/to be heard) @? | When (do/can) you hear it @? | At what time(/ is it heard)?
| And when do you hear it? | And when(/ is that)? | At (which/what) seconds is it heard?
| At which seconds (do/can) you hear it @? | When does it start and (end/stop)?
| From when (to/until) when do you hear it? | And at which seconds do you hear it? | When can it be heard @?
| In (which/what) part of the (recording/clip) is it heard? | Between which seconds do you hear it?
| At (what/which) (moment/point) (do/can) you hear it @? | What time is it heard @?
| Where in (the/this) (recording/clip) (do/can) you hear it? | After how many seconds do you hear it @?
| How long until I hear it @? | When does it (happen/occur) @? | And at what moment is that?
| How far into the (recording/clip) is it? | During which seconds is it heard @?
c when it (is heard/can be heard) @ | when I can hear it @ | at (what time/which seconds) it is heard
| at which seconds I can hear it | from when (to/until) when it is heard
| at (what/which) (moment/point) it is heard @ | where in the (recording/clip) I hear it
| when it (starts and ends/happens) @ | after how many seconds it is heard
n its time @ | the time (when/at which) it is heard @ | its start and (its/) end | the time when I can hear it
| the (second/moment) at which it is heard | its start and end @
o say when you hear it | give me (the seconds/its time) | tell me from when to when it is heard
| tell me at which seconds you hear it | mark (the seconds/the time) | show me when it is heard
| tell me (when/at what time) it is heard | say at which seconds it is heard | name the seconds
f when? | what time? | which seconds? | heard when? | from when to when? | at which seconds? | when exactly?
| at what moment? | at what time? | how many seconds in? | early or late?
= source_it picture
? What (makes/is making) it @? | Where does it come from? | (Which/What) (object/thing) @ makes it?
| And which thing makes it? | And what makes it? | What is its (source/origin) @? | Who (makes/is making) it?
| Which of the (things/objects) @ makes it? | And where does it come from? | And who is making it?
| What (causes/produces) it? | What is the source of it? | From which (thing/object) does it come?
| Can you see what makes it? | What is responsible for it?
| At what thing @ should I look to see its source? | Which one @ makes it? | What's making (it/that) @?
| To (what/which) (thing/object) @ does it belong? | Who or what makes it? | Which (thing/object) do I hear?
| And what does it come from?
c what (makes/is making/causes) it @ | where it comes from | (which/what) (thing/object) makes it @
| what its source is | who makes it | which one @ makes it | what it comes from | who or what is making it
| what is responsible for it
n its (source/origin) @ | the source of it | the (thing/object) that makes it @ | the source it comes from
| the (thing/object) responsible for it | the (thing/object) it comes from
o find (its source/what makes it) @ | show me what makes it | name the (thing/object) that makes it
| tell me what makes it @ | point (at/to) (its source/what makes it) | locate its source @
| say (what/who) makes it | name its (source/origin) | pick out what makes it @
f source? | made by what? | its source? | from which thing? | what makes it | which thing? | who makes it?
| and the source? | coming from what? | where's it from? | made by which one?
= sound_later
? Here is a (sound/recording/clip). What do you hear? | Now listen to this. What (do/can) you hear?
| And here is a sound. What is it? | Now here is a recording. What is it?
| I have a (sound/recording) for you, too. What do you hear? | Now a (sound/clip): what do you hear?
| Listen. What is this? | And now listen: what is this? | Here comes a (sound/noise). What can you hear?
| And here is a clip, too. What can you hear? | And (now/here is) a sound: what can be heard?
| Next, a sound. What is it? | This is a (recording/sound). What do you hear in it?
| I (add/have added) a sound. What do you hear? | Now you also have a sound. What is it?
| Listen to this recording, too. What is it? | And what do you hear in this new (sound/recording)?
| What is this (sound/noise) that I am (playing/adding) now? | Here is something to listen to. What is it?
| What do you hear now? | Can you hear this, and what is it? | At last, a sound. What do you hear?
o listen to this and tell me what you hear | listen to this (sound/recording) now and say what it is
| take this sound, too, and describe it | listen to this sound, too, and say what you hear
| hear this and say what it is | listen to this (clip/recording) and describe it
f new sound: what is it? | and this sound, what is it? | now this sound | now a sound, what is it?
| a sound, too: what do you hear? | and now? What do you hear? | here, a sound: what is it?
| what's this sound
= fits_later
? Does it (fit/match/suit) the (picture/image/scene)? | Does it belong to the picture?
| And does it (fit/match) the picture? | And does it belong to the (picture/scene)?
| Do they (belong/go/fit) together? | Does that go with the (picture/image)?
| Could (it/that) come from the (picture/scene)? | Is (it/that) the right sound for the picture?
| Does this sound (fit/match/suit) the picture from before? | And could it come from the picture?
| Does it go (with the picture/together with the picture)? | So does it fit the (picture/scene)?
| Would you expect (it/that) in the picture? | Is it a (good/) match for the picture?
| Is (it/that) (in keeping/consistent) with the picture? | Would it make sense in the (picture/scene)?
| Could something in the picture make (it/that)? | Does what I hear now (fit/match) the picture?
| Is it from the same scene as the picture? | Do the picture and this sound (match/go together)?
| What do you say, does it (fit/match) the picture? | Is that a sound that the (scene/picture) could make?
c whether it (fits/matches/suits) the (picture/scene) | if it belongs to the (picture/scene)
| whether they (belong/go) together | if it could come from the picture
| whether it could come from the (picture/scene) | whether it is the right sound for the picture
| whether it makes sense in the (picture/scene) | whether anything in the picture could make it
| if it goes with the (picture/image)
o check (whether/if) it (fits/matches) the picture | say whether it (fits/belongs to) the picture
| compare it with the picture and say whether it fits | decide whether it belongs to the picture
| tell me if it (fits/matches/suits) the picture | see (if/whether) it (fits/goes with) the picture
| tell me whether it could come from the picture | say (if/whether) they go together
f fits the picture? | match? | does it fit | match with the picture? | right sound? | goes with the picture?
| same scene? | a match or not? | does it go with the picture
"""
