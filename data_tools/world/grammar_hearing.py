"""The wordings from which `grammar` composes questions about sounds and absent things.

Each kind has a head, "= key scope", then direct questions (?), clauses (c), nouns (n), orders (o) and
fragments (f). Entries stand between bars; `grammar` explains the signs in them and why their order counts.
"""

HEARING = """
= describe_sound sound
? What (do/can) you hear @? | What can be heard @? | (Which/What) (sounds/noises) are there @?
| What is there to hear @? | What is in (the/this) (sound/recording/clip/audio)? | What is this (sound/noise)?
| What (kind/sort) of (sound/noise) is (this/that)?
| Listen to (this/the recording/this clip). What (is it/do you hear)?
| (Which/What) (sounds/noises) (do/can) you hear @? | What (sound/noise) can be heard @?
| (Which/What) (sounds/noises) does (the/this) (recording/clip) contain?
| What (am I/are we) (hearing/listening to)? | How would you describe (the/this) (sound/noise/recording)?
| What does this sound like? | What (sounds/noises) can you (make out/recognise) @?
| What happens in (the/this) (recording/clip)? | Can you describe (the/this) (sound/recording/clip)?
| What is going on in (the/this) (recording/audio)? | What is it that I hear @?
| Which (sound/noise) is this? | What kind of thing do you hear @? | Which (sounds/noises) do I hear @?
| What is to be heard @?
c what can be heard @ | what (sounds/noises) there are @ | what is in (the/this) (sound/recording/clip)
| which (sounds/noises) can be heard @ | what this (sound/noise) is
| what (kind/sort) of (sound/noise) this is | what I am (hearing/listening to) | what there is to hear @
| what the (sound/noise) (is/could be) | what one (hears/can hear) @
n the content of (the/this) (sound/recording/clip) | the name of (the/this) (sound/noise)
| the (sound/noise) that I hear @ | the (kind/sort) of (sound/noise) that this is
| the sound that can be heard @
o describe (the/this) (sound/noise/recording/clip) | describe what you hear @ | tell me what you hear @
| say what you hear @ | list the (sounds/noises) @ | listen and tell me what (you hear/it is)
| listen to (the/this) (recording/clip) and describe it | tell me about (the/this) (sound/recording)
| identify (the/this) (sound/noise) | name the sounds that you hear @
| give me a description of (the/this) (sound/recording) | name (the/this) (sound/noise)
| put the sound into words | say what can be heard @ | tell me what can be heard @
| say what this (sound/noise) is
f sound: what is it? | description of the (sound/recording)? | (sounds/noises)? | recording: what do you hear?
| what noise? | describe sound | what's that (sound/noise) | what do you hear
= presence_sound sound
? (Do/Can) you hear {asound} @? | Does (the/this) (sound/recording/clip) (contain/include) {asound}?
| Do I hear {asound} @? | Can {asound} be heard @? | Is there {asound} in (the/this) (sound/recording/audio)?
| Is (that/this) {asound} that I hear? | Did you (hear/notice) {asound} @? | So you hear {asound} @, right?
| Could (that/this) be {asound}? | Could {asound} be part of (the/this) recording?
| I think I hear {asound}. (Am I right/Is that so/Do you agree)? | Does (this/it) sound like {asound}?
| Can you make out {asound} @? | Would you say that you hear {asound} @? | Is {asound} to be heard @?
| Have you heard {asound} @? | Is it {asound} that (I/you) hear @?
| At any (point/moment/time), do you hear {asound} @? | Is {asound} what (I/we) hear @?
| Is {asound} (audible/part of what you hear) @? | Is there any moment when you hear {asound} @?
| When you listen, do you hear {asound} @? | What do you say, can you hear {asound} @?
| In (the/this) (recording/clip/audio), (do/can) you hear {asound}? | Does anything @ sound like {asound}?
| Would I hear {asound} if I listened to (the/this) (recording/clip)?
| Is it (true/right) that you hear {asound} @? | Did you catch {asound} @? | Have you noticed {asound} @?
c whether {asound} can be heard @ | whether there is {asound} in (the/this) (sound/recording)
| if I hear {asound} @ | whether (the/this) (sound/recording) contains {asound}
| whether (this/that) (is/could be) {asound} | if one can hear {asound} @
| if {asound} can be heard (somewhere/at any time) @ | whether you (hear/notice) {asound} @
| whether what I hear @ (is/could be) {asound} | if you can (make out/hear) {asound} @
o listen for {asound} @ | check (whether/if) you (hear/can hear) {asound} @ | say whether you hear {asound} @
| check whether {asound} can be heard @ | tell me (if/whether) you hear {asound} @
| listen and say whether you can hear {asound} @ | see (if/whether) you can hear {asound} @
| find out whether {asound} can be heard @ | listen closely and tell me if you hear {asound}
| say (if/whether) {asound} can be heard @ | tell me whether (this/that) is {asound}
f {asound}: do you hear it? | hear {asound}? | {asound} in the (sound/recording)? | {asound} to be heard?
| {asound}: heard or not? | can you hear {asound} | {asound}, yes or no? | any sign of {asound} @?
| {asound} @? | hearing {asound}?
= when sound
? When (do/can) you hear {sound} @? | At (what/which) (time/moment) do you hear {sound}?
| When can (I/one) hear {sound} @? | When can {sound} be heard @?
| At which seconds (do/can) you hear {sound} @? | From when (to/until) when do you hear {sound}?
| When did {sound} start and (end/stop)?
| In (which/what) part of (the/this) (recording/clip) do you hear {sound}?
| Between which seconds (do/can) you hear {sound} @? | From which second to which second can one hear {sound}?
| At what point @ do you (hear/notice) {sound}? | What are the start and the end of {sound} @?
| I hear {sound}. At which seconds? | During which seconds (do/can) you hear {sound} @?
| How far into the (clip/recording) do you hear {sound}?
| At (what/which) (moment/point) can {sound} be heard @? | At what moment (do/can) you hear {sound} @?
| Where in (the/this) (recording/clip/audio) (can I/do you) hear {sound}?
| At what place in (the/this) (recording/clip) (can I/do you) hear {sound}?
| How many seconds (pass/go by) before one hears {sound} @? | Over which seconds can {sound} be heard @?
| Which (seconds/part) of (the/this) (recording/clip) should I listen to for {sound}?
| How long do I have to wait until I hear {sound} @? | When'd you hear {sound} @?
| Which (stretch/section/bit) of (the/this) (recording/clip) has {sound} in it?
| What time (do/can) you hear {sound} @? | Can you hear {sound} @, and at which seconds?
| Do you hear {sound} at the start, in the middle or at the end of (the/this) (recording/clip)?
| What second does one have to wait for to hear {sound} @? | After how many seconds do you hear {sound} @?
| When should I listen to (catch/hear) {sound} @? | What are the times of {sound} @?
| When (exactly/roughly) can {sound} be heard @?
| Could you please tell me the (seconds/time) at which I can hear {sound}?
| When did {sound} (occur/happen) @?
c when {sound} can be heard @ | when (I/one) can hear {sound} @
| at (what time/which seconds) {sound} can be heard @ | between which seconds one can hear {sound} @
| from when (to/until) when {sound} can be heard | in which part of the clip I hear {sound}
| at (what/which) (moment/point) {sound} can be heard @ | where in the (recording/clip) I can hear {sound}
| over which seconds {sound} can be heard @ | how far into the (recording/clip) I hear {sound}
| which seconds of the (recording/clip) have {sound} in them | after how many seconds one hears {sound} @
n the time of {sound} @ | the time (when/at which) {sound} can be heard @ | the start and end of {sound} @
| the part of the (recording/clip) in which I hear {sound} | the moment of {sound} @
| the time during which {sound} can be heard @ | the (place/point) in the recording where I hear {sound}
| the (time span/interval/period) of {sound} @ | the timing of {sound} @
o find {sound} in (the/this) (recording/clip) | give me the (seconds/time) of {sound} @
| say when you hear {sound} @ | tell me at which seconds you hear {sound} @
| mark the (seconds/time) of {sound} @ | locate {sound} in (the/this) (recording/audio)
| tell me (the start and end/the seconds) of {sound} | show me when {sound} can be heard @
| listen for {sound} and tell me when you hear it | say from when to when you hear {sound} @
| point out when you hear {sound} @ | give me the (start and end/times) of {sound} @
| tell me when {sound} can be heard @ | name the seconds (at/during) which {sound} can be heard @
| pin down the time of {sound} @ | say at what time {sound} can be heard @
| tell me (when/at what moment) you hear {sound} @
f {sound}: when? | time of {sound}? | when {sound}? | {sound}: at which seconds? | seconds of {sound}?
| {sound}: start and end? | when can I hear {sound} | {sound}: what time? | {sound} when?
| {sound}: from when to when? | timing of {sound}? | {sound}: early or late? | at what second {sound}?
= describe_both
? What (do/can) you (see and hear/hear and see)(/ here)? | What do you see, and what do you hear?
| What is in the picture and in the sound? | What can be seen and heard here?
| What does the (picture/image) show, and what do you hear?
| Can you describe (both/the picture and the sound)? | What is there to see and to hear(/ here)?
| How would you describe the picture and the (sound/recording)?
| Here are a picture and a sound. What do you see and hear?
| What is shown in the picture, and what can be heard? | What do the picture and the sound contain?
| What are we looking at, and what are we listening to? | What is to be seen and heard?
c what can be seen and (what can be/) heard | what there is to see and to hear
| what is in the picture and in the sound | what the picture shows and what can be heard
| what the (picture/image) and the (sound/recording) contain
n the content of (both/the picture and the sound) | the content of the image and the recording
o describe the (picture/image) and the (sound/recording) | describe both(/, the picture and the sound)
| tell me what you see and (what you/) hear | say what you see and what you hear
| look and listen and (describe both/tell me what there is) | tell me about the picture and the sound
| describe what you (see and hear/hear and see) | look at the picture, listen to the sound and describe both
f picture and sound: what? | description of both? | see and hear: what?
| both: picture and sound, what is there? | describe both
= source picture
? (Which/What) (object/thing) @ makes {sound}? | What (makes/is making/produces/causes) {sound} @?
| Who (makes/is making) {sound} @? | Which of the (things/objects) @ makes {sound}?
| What is the (source/origin/cause) of {sound} @? | Where could {sound} (come/be coming) from?
| Where is the (source/origin) of {sound} @? | Can you see (what/which thing) makes {sound}?
| I hear {sound}. Which (thing/object) is the source? | From (which/what) (thing/object) could {sound} come?
| What do you see that could make {sound}? | Which thing could be the source of {sound}?
| What is behind {sound}? | Do you see what makes {sound}? | Which thing @ can I hear when I hear {sound}?
| Who or what makes {sound} @? | What (thing/object) @ can (make/produce) {sound}?
| What is responsible for {sound} @? | Which of the things @ could be making {sound}?
| To (what/which) (thing/object) @ could {sound} belong? | Where @ is the thing that makes {sound}?
| At what thing @ should I look to see the source of {sound}?
| What (thing/object) am I hearing when I hear {sound} @? | Which thing @ goes with {sound}?
| By (what/which) (thing/object) @ could {sound} have been made? | Who could be making {sound} @?
| When you hear {sound}, which thing @ makes it? | What @ would you say is making {sound}?
| Can you point out what makes {sound} @? | Which one @ is making {sound}? | What's making {sound} @?
| Is there (a thing/an object) @ that makes {sound}, and which?
c what (makes/is making/produces/causes) {sound} @ | (which/what) (object/thing) makes {sound} @
| where {sound} could come from | which of the things @ makes {sound} | what the source of {sound} is @
| who (makes/is making) {sound} | what @ is responsible for {sound} | which thing @ could be making {sound}
| what {sound} could come from | to which (thing/object) @ {sound} could belong
| which (thing/object) I hear when I hear {sound}
n the (source/origin/cause) of {sound} @ | the (thing/object) that (makes/causes/produces) {sound} @
| the (thing/object) behind {sound} | the object which is making {sound}
| the thing @ that is responsible for {sound} | the (maker/producer) of {sound} @
| the (thing/object) @ from which {sound} could come | the name of the (thing/object) that makes {sound}
o find the source of {sound} @ | show me (what/which thing) makes {sound} @
| name the (thing/object) that makes {sound} @ | tell me which (thing/object) makes {sound} @
| find the (thing/object) that makes {sound} @ | (locate/identify) the (source/origin) of {sound} @
| look for the source of {sound} @ | tell me (what/who) makes {sound}
| point (at/to) the (thing/object) that makes {sound} | say which (thing/object) makes {sound} @
| say (what/who) makes {sound} @ | name the (source/origin/cause) of {sound} @
| pick out the (thing/object) that makes {sound} @ | work out what (makes/is making) {sound} @
| match {sound} with the thing @ that makes it
f {sound}: from what? | source of {sound}? | {sound}: which (object/thing)? | {sound}: who makes that?
| what makes {sound} | origin of {sound}? | who's making {sound}? | {sound}: made by what?
| cause of {sound}? | {sound}: whose is it? | {sound}, from which thing?
= source_only picture
? (Which/What) (object/thing) @ makes (the/this) (sound/noise)?
| What (makes/is making/produces/causes) (the/this/that) (sound/noise) @?
| Who (makes/is making) (the/this) (sound/noise) @? | Which of the (things/objects) @ makes (the/this) sound?
| Where does (the/this) (sound/noise) come from?
| What is the (source/origin/cause) of (the/this) (sound/noise) @?
| Which of the (things/objects) @ do I hear? | Where is the source of (the/this) sound @?
| Can you see (what/which thing) makes (the/this) (sound/noise)?
| From which (thing/object) does (the/this) (sound/noise) come?
| I hear a sound. Which (thing/object) @ makes it? | What @ could make a (sound/noise) like this?
| Which thing @ can I hear? | What do you see that could make this (sound/noise)?
| To which (thing/object) @ does (the/this) sound belong? | Who or what makes (the/this) noise @?
| What's making (that/this) (sound/noise) @? | Which thing @ goes with (the/this) (sound/noise)?
| At what thing @ should I look to see what makes (the/this) sound? | Who is it that I hear @?
| What @ is responsible for (the/this) (sound/noise)? | What thing @ sounds like (this/that)?
| By which (thing/object) @ is (the/this) sound made? | Which one @ is making (that/this) (sound/noise)?
c what (makes/is making/produces/causes) (the/this) (sound/noise) @
| (which/what) (object/thing) makes (the/this) sound @ | where (the/this) (sound/noise) comes from
| which of the things @ makes (the/this) sound | what the source of (the/this) sound is @
| who (makes/is making) (the/this) noise | which thing @ I am hearing
| what @ is responsible for (the/this) (sound/noise) | which thing @ goes with (the/this) sound
| what (the/this) (sound/noise) comes from
n the (source/origin/cause) of (the/this) (sound/noise) @
| the (thing/object) that (makes/produces/causes) (the/this) sound @ | the object behind the (sound/noise)
| the thing which is making (the/this) noise | the (thing/object) @ that goes with (the/this) sound
| the (thing/object) that I hear
o find the source of (the/this) (sound/noise) @ | show me (what/which thing) makes (the/this) sound
| name the (thing/object) that makes (the/this) sound
| tell me which (thing/object) makes (the/this) (sound/noise)
| find the (thing/object) that makes (the/this) (sound/noise) @
| (locate/identify) the (source/origin) of (the/this) sound @ | tell me (what/who) makes this (sound/noise)
| point (at/to) what makes the sound | say (what/who) makes (the/this) (sound/noise)
| pick out the (thing/object) that makes (the/this) sound
| match (the/this) (sound/noise) with the thing @ that makes it
f sound: from what? | source of the (sound/noise)? | which (object/thing) makes the sound?
| noise: who makes it? | who makes this noise | origin of the sound? | what's making that noise
| where's that (sound/noise) from? | sound: made by what?
= verdict
? Do the picture and the sound (belong/go/fit) together?
| Does the (sound/recording) (fit/match/suit) the (picture/image/scene)? | Do they (belong/go/fit) together?
| Do both belong together? | Could (this/the) (sound/noise) come from (this/the) (picture/scene)?
| Do (sound and picture/picture and sound/the two) match?
| Is (this/that) the right (sound/recording) for the (picture/image)?
| Does the (sound/noise) (belong to/go with) the (picture/image/scene)?
| Does what I hear (fit/match) what I see? | Does the picture (fit/match) the sound?
| Are the picture and the sound a (good/) match?
| Would you expect this (sound/noise) in this (picture/scene)?
| Are the picture and the sound from the same scene? | Is this the right picture for the sound?
| Can this sound be part of this scene?
| Is the (sound/recording) one that (fits/suits) the (picture/image/scene)?
| Is what I hear from the same (place/scene) as what I see? | Does the (sound/audio) agree with the picture?
| At this place, would you (expect/hear) such a (sound/noise)? | Are the two a match?
| Would the sound make sense in this (picture/scene/place)? | Can what we see make the sound that we hear?
| Is the (sound/noise) (in keeping/consistent) with the (picture/scene)?
| Which is it: do the picture and the sound match or not?
| Could this sound have been recorded in this (place/scene)?
| Has the picture (anything/something) to do with the (sound/recording)?
| What do you say, do the picture and the sound (match/fit)?
| Do what I see and what I hear (match/go together)?
| Is there anything in the picture that could make this (sound/noise)?
| When you hear the sound and see the picture, do they (fit/match)? | Is the sound in the right place here?
| Is this the sound of what the picture shows? | Do these two (go/belong) with each other?
| Would you pair this sound with this picture? | Are the sound and the picture (a pair/related)?
c whether the picture and the sound (belong/go/fit) together
| whether the (sound/recording) (fits/matches/suits) the (picture/image/scene)
| if (the two/sound and picture/they) match | whether the sound belongs to the (picture/scene)
| whether this is the right sound for the picture
| whether (this/the) sound could come from (this/the) (picture/scene)
| whether what I hear (fits/matches) what I see | if the picture and the sound are (a match/a pair)
| whether anything in the picture could make this (sound/noise)
| whether the sound makes sense in this (picture/scene) | whether the picture and the sound are related
| if this sound (goes with/suits/belongs to) this (picture/image)
| whether I would hear (this/such a) sound in this (picture/place)
o check (whether/if) the (sound/noise) (fits/matches) the (picture/image)
| compare the picture (with/and) the sound and say whether they match
| (judge/decide) whether the picture and the sound (belong/go) together
| say whether the two (belong/fit) together | say whether the sound (fits/suits/matches) the picture
| tell me if (this/it) is the right sound for the picture
| see (if/whether) the (picture/image) and the (sound/recording) (match/go together)
| tell me (if/whether) the sound (fits/matches/goes with) the (picture/scene)
| find out whether the sound could come from this picture
| look at the picture, listen to the sound and say whether they (match/fit)
| say whether what you hear fits what you see
| compare what you see with what you hear and say whether they match
| tell me whether the picture and the sound (belong/go) together
f sound and picture, yes or no? | picture and sound: match? | sound fits picture? | do they match
| sound and picture: right match? | right sound for the picture? | sound, picture: same scene?
| does it all fit? | picture matches sound? | sound goes with picture? | a match or not?
| picture and sound together, right or wrong?
= both_here picture
? Where are {the} and {the2} @? | Where (do/can) you (see/find) {the} and {the2} @?
| Where is {the} and where is {the2} @? | Where can I (find/see) {the} and {the2} @?
| I am looking for {the} and {the2}. | In which (parts/areas) of the picture are {the} and {the2}?
| Where have {the} and {the2} been (drawn/placed/put) @? | Whereabouts are {the} and {the2} @?
| Where do {the} and {the2} appear @? | Where are {the} and {the2} (located/placed/to be found) @?
| Where is {the}, and where do you see {the2}? | At (what/which) (places/spots) % are {the} and {the2}?
| Where'd {the} and {the2} go @? | Where are {the} and {the2} (situated/sitting) @?
| What are the (positions/places) of {the} and {the2} @?
c where {the} and {the2} are @ | where {the} is and where {the2} is @
| where I can (find/see) {the} and {the2} @ | where {the} and {the2} can be (seen/found) @
| where to (find/look for) {the} and {the2} @ | at which (places/spots) % {the} and {the2} are
| whereabouts {the} and {the2} are @
n the (position/location) of {the} and of {the2} @
| the (spot/area) where {the} is and the one where {the2} is | the place of {the} and that of {the2} @
o find {the} and {the2} @ | show me {the} and {the2} @ | point (at/to) {the} and {the2} @
| locate {the} and {the2} @ | look for {the} and {the2} @ | mark {the} and {the2} @
| show me where {the} and {the2} are @ | spot {the} and {the2} @ | point out both {the} and {the2}
| say where {the} and {the2} are @ | give me the (positions/places) of {the} and {the2} @
f {the} and {the2}: where? | where {the} and {the2}? | location of {the} and {the2}?
| {the} and {the2}: which parts of the picture? | {the}, {the2}: where? | where are {the} and {the2} @
| {the} and {the2}: whereabouts?
= doing picture
? What is {the} doing @? | What can you (say/tell me) about {the} @? | What does {the} look like @?
| What do you see {the} doing @? | How does {the} look @? | Is {the} (near/close to/next to/beside) {the2} @?
| What is (near/next to) {the} @? | Is {the} alone @? | How far is {the} from {the2} @?
| What is {the} doing near {the2}? | What is there to say about {the}? | Is {the} (moving/doing anything) @?
| What (happens/is happening) to {the} @? | What do you think of {the} @?
c what {the} is doing @ | what {the} looks like @ | what can be said about {the} | how {the} looks @
| whether {the} is (near/close to/next to) {the2} @
o describe {the} @ | tell me (/something /more )about {the} @ | say something about {the} @
| describe what {the} looks like @ | give me a description of {the} @ | look at {the} @ and tell me about it
| find {the} @ and describe it | describe what {the} is doing @
f {the}: doing what? | about {the}? | description of {the}? | {the}: what is it doing? | {the} near {the2}?
"""
