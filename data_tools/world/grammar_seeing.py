"""The wordings from which `grammar` composes questions about a picture.

Each kind has a head, "= key scope", then direct questions (?), clauses (c), nouns (n), orders (o) and
fragments (f). Entries stand between bars; `grammar` explains the signs in them and why their order counts.
"""

SEEING = """
= position picture
? Where is {the} @? | Where (do/can) you (see/find/spot) {the} @?
| Where in the (picture/image/scene) is {the}? | Where can {the} be (found/seen) @?
| In (which/what) (part/area/region) of the (picture/image) is {the}?
| Where (can I find/should I look to see) {the} @? | Whereabouts is {the} @?
| Where has {the} been (drawn/placed/put) @? | Where (exactly/roughly) is {the} @?
| Where does {the} (appear/show up) @? | On which side of the (picture/drawing) do you see {the}?
| Where is {the} (located/placed/positioned/to be found) @? | I am looking for {the}.
| Any sign of where {the} is @? | I (cannot/can't) (find/see) {the}. Where is it?
| At (what/which) spot @ is {the}? | Which part of the (picture/image) is {the} in?
| At (what/which) (place/point/position) % is {the}? | In (what/which) (corner/section/zone) % is {the}?
| At what place @ (do/can) you see {the}? | Where does {the} (sit/stand/lie) @?
| (Which/What) (half/third) % is {the} in? | At which (side/end/edge) % is {the}? | Where'd {the} go @?
| Where is {the} (situated/sitting/hiding) @? | Whereabouts (do/can) you see {the} @?
| (Which/What) (region/section/zone/corner) % (contains/holds) {the}? | Where did {the} end up @?
| What (place/spot/position) does {the} (have/occupy) @? | What is {the}'s (position/location/place) @?
| Is {the} on the left, on the right or somewhere else @? | Near (which/what) (edge/side/corner) % is {the}?
| To which (side/part/end) % should I (look/turn) to see {the}?
| If I want to (see/find) {the}, where (should/must) I look @? | Where have you (spotted/seen) {the} @?
| Is {the} at the top, at the bottom or in the middle @? | At what coordinates @ is {the}?
| Can you see {the} @, and if so, where? | {the}, where is that @? | Which way should I look to see {the} @?
| In (the/this) (picture/image/scene), where (is {the}/do you see {the})? | Where is {the} hanging out @?
| Could you please show me where {the} (is/has been put) @? | Towards which side % is {the}?
| What part % would I have to look at to see {the}? | How do I find {the} @, where should I look?
c where {the} is @ | where {the} (is located/is placed/can be seen) @
| where I (can/could) (find/see/spot) {the} @ | where {the} can be found @ | where to (look for/find) {the} @
| where {the} has been drawn @ | in which (part/area) of the (picture/image) {the} is
| on which side of the picture {the} is | where {the} (sits/stands/lies) @ | whereabouts {the} is @
| at (what/which) (place/point/spot) % {the} is | in which (corner/region/section/zone) % {the} is
| where {the} (is situated/went/ended up) @ | which (part/half/third) % {the} is in
| where I (should/have to) look to see {the} @ | near which (edge/side/corner) % {the} is
n the (position/location) of {the} @ | the (spot/area/part) where {the} is @
| the exact (position/spot) of {the} | the part of the (picture/image) that {the} is in
| {the}'s (position/location/place) @ | the place (at which/where) {the} (is/stands) @
| the (region/section/zone/corner) % that (contains/holds) {the} | the whereabouts of {the} @
| the (side/half/end) % where {the} is | the point % where {the} is
o find {the} @ | show me {the} @ | locate {the} @ | point (at/to) {the} @ | spot {the} @ | mark {the} @
| look for {the} @ | search the (picture/image/drawing) for {the} | show me where {the} is @
| pick out {the} @ | point out {the} @ | put your finger on {the} | highlight {the} @
| help me (find/spot) {the} @ | pick {the} out | give me the (position/location/place) of {the} @
| say (where/whereabouts) {the} is @ | tell me at which (place/spot) % {the} is
| describe (where {the} is/the position of {the}) @ | name the (part/corner/region/side) % where {the} is
| guide my eyes to {the} @ | track down {the} @ | lead me to {the} @
f {the}: where? | where {the}? | location of {the}? | {the}, which part of the picture? | find: {the}
| position of {the} | {the} where at? | where's {the} at? | {the}: which (side/corner/half)?
| where'd {the} go | whereabouts {the}? | can't find {the} @ | {the} location
| {the}: left, right, top, bottom?
= count picture
? How many {names} are there @? | How many {names} (do/can) you (see/find/count/spot) @?
| Can you count the {names} @? | How many {names} (can one see/would you count) @?
| How many {names} (have been drawn/are visible/can be seen) @? | What is the number of {names} @?
| How many {names} does the (picture/image/drawing) (show/contain/have)? | There are how many {names} @?
| If you count the {names}, how many (are there/do you get)? | How many {names} (appear/show up) @?
| In (this picture/the scene), how many {names} are there? | How many {names} in (total/all) @?
| How many {names} did you (find/notice/count) @? | Let us count the {names}. How many (are there/do you see)?
| What number of {names} (do you see/are there) @? | How many are the {names} @?
| Can you see how many {names} there are @? | At a (glance/guess), how many {names} are there @?
| Of {names}, how many (are there/do you see) @? | What is the (count/total) of {names} @?
| Just how many {names} are (shown/present) @? | If I (counted/count up) the {names}, what would I get?
| The {names} @: how many are there?
c how many {names} there are @ | how many {names} (can be seen/are to be seen/are visible) @
| how many {names} have been drawn @ | how many {names} the (picture/image) (shows/contains/has)
| how many {names} are shown @ | how many {names} I can (see/find/count) @ | what the number of {names} is @
| how many of the things @ are {names} | how many {names} one can (count/make out) @
| what number of {names} (there is/the picture shows) | how many {names} are (present/visible/found) @
n the number of {names} @ | the total number of {names} @ | the (count/total) of {names} @
| the exact number of {names} @ | the quantity of {names} @ | the full (count/number) of {names} @
| the number of {names} that you (see/can find) @
o count the {names} @ | count (all/all the/up the) {names} @ | count how many {names} there are @
| find and count the {names} @ | find (all/all the) {names} @ and count them
| work out how many {names} there are @ | say how many {names} you see @ | add up the {names} @
| look for {names} and tell me how many (you find/there are) | look at the {names} @ and count them
| tell me (how many {names} there are/the number of {names}) @ | give me the (number/count) of {names} @
| put a number on the {names} @
f {names}: how many? | number of {names}? | {names}, how many | total number of {names}? | how many {names}?
| count: {names} | how many {names} @ | {names} count? | {names}, what number? | number of {names} @
= presence picture
? Is there {a} @? | (Do/Can) you (see/find/spot/notice) {a} @? | Are there any {names} @?
| Can {a} be (seen/found) @? | Does the (picture/image/scene) (show/contain/include/have) {a}?
| Is {a} (visible/shown/present/to be seen) @? | (Do/Can) you (see/find) any {names} @?
| There is {a} @, isn't there? | So there is {a} @, right? | Is {a} (drawn/among the things) @?
| Has {a} been drawn @? | Did you (find/notice/see) {a} @? | Is one of the (things/objects) {a}?
| Is {a} among the objects @? | Would I (find/see) {a} (somewhere/anywhere) @?
| I think I see {a}. Am I right? | Does {a} (appear/show up) @? | Might there be {a} @?
| I am looking for {a}. Is there one? | Is any of the objects @ {a}? | Is {a} (somewhere/anywhere) @?
| Of the things @, is one {a}? | Is it (true/right) that there is {a} @? | At a glance, can you see {a} @?
| Would you say there is {a} @? | Which is it @: is there {a} or not?
| Has the (picture/image/scene) got {a} in it? | Have you (seen/spotted/noticed) {a} @?
| Could there be {a} (somewhere/hiding) @? | What do you say, is there {a} @? | Got {a} @?
| Does anything @ look like {a}?
c whether there is {a} @ | if there is {a} @ | whether {a} can be (seen/found) @
| whether {a} (is visible/is present) @ | whether there are any {names} @
| whether the (picture/image) (shows/contains/includes) {a} | if one of the things @ is {a} | if {a} appears @
| whether I (can/would) (see/find) {a} @ | if you can (see/spot/find) {a} (somewhere/anywhere) @
| whether anything @ is {a} | whether it is true that there is {a} @ | if {a} has been (drawn/included) @
o check (whether/if) there is {a} @ | say whether you (see/can see) {a} @
| see (whether/if) you can find {a} @ | check whether you can see {a} @ | check the (picture/image) for {a}
| tell me (if/whether) there are any {names} @ | confirm that there is {a} @
| look and tell me (if/whether) there is {a} | answer whether there is {a} @
| look for {a} and say whether there is one @ | see if there is {a} (somewhere/anywhere) @
| look (around/closely) and say if you (see/find) {a}
f {a}? | any {names}? | {names}: yes or no? | {a}, yes or no? | any {names} @? | {a} @? | {a} present?
| is there {a} | see {a} @? | {a} anywhere? | {a} or not? | {names} @, yes or no?
= relation picture
? Is {the} {relation} {the2} @? | Is {the} (located/placed/shown/to be found) {relation} {the2}?
| Do you (see/find) {the} {relation} {the2} @? | Do you think {the} is {relation} {the2}?
| So {the} is {relation} {the2}, (right/isn't it)? | Would you say (that/) {the} is {relation} {the2}?
| Is it (true/right/correct) that {the} is {relation} {the2}? | Am I right that {the} is {relation} {the2} @?
| Looking at the two, is {the} {relation} {the2}? | Has {the} been (drawn/placed) {relation} {the2}?
| Does {the} (appear/seem) to be {relation} {the2} @?
| I think {the} is {relation} {the2}. (Am I right/Is that so/Do you agree)?
| Can {the} be (seen/found) {relation} {the2}? | Is it the case that {the} is {relation} {the2} @?
| Can you see whether {the} is {relation} {the2} @? | Where is {the}: {relation} {the2}, or not?
| What do you say, is {the} {relation} {the2} @?
| Would it be (right/true/correct) to say that {the} is {relation} {the2}?
| {the} is {relation} {the2}, right? | Could one say that {the} is {relation} {the2}?
| If I say {the} is {relation} {the2}, am I right? | At a glance, is {the} {relation} {the2} @?
| Is the (position/place) of {the} {relation} {the2}?
c whether {the} is {relation} {the2} @ | if {the} is {relation} {the2} @
| whether {the} (is placed/has been drawn) {relation} {the2}
| whether {the} can be (found/seen) {relation} {the2}
| whether it is (true/right) that {the} is {relation} {the2} | whether or not {the} is {relation} {the2} @
| whether one can say that {the} is {relation} {the2} | whether I am right that {the} is {relation} {the2}
| if it is (so/the case) that {the} is {relation} {the2}
o check (whether/if) {the} is {relation} {the2} @ | say (whether/if) {the} is {relation} {the2} @
| decide whether {the} is {relation} {the2} | look and say whether {the} is {relation} {the2}
| look at {the} and {the2} and say whether {the} is {relation} {the2}
| confirm that {the} is {relation} {the2} | tell me (if/whether) {the} is {relation} {the2} @
| see (if/whether) {the} is {relation} {the2} @ | decide (if/whether or not) {the} is {relation} {the2} @
f {the} {relation} {the2}? | {the} {relation} {the2}: yes or no? | is {the} {relation} {the2}
| {the} {relation} {the2}, right? | {the} {relation} {the2}, or not? | {the} {relation} {the2}, is that so?
| {the} is {relation} {the2}? | yes or no: {the} {relation} {the2}?
= further picture
? Which is {further} @, {the} or {the2}? | Which (one/of them/of the two) is {further}: {the} or {the2}?
| Of {the} and {the2}, which (one/) is {further}? | Between {the} and {the2}, which (one/) is {further}?
| Is {the} or {the2} {further} @? | Is {the} {further}, or is {the2}? | What is {further} @, {the} or {the2}?
| If you compare {the} (and/with) {the2}, which is {further}? | Is it {the} or {the2} that is {further}?
| Look at {the} and {the2}. Which one is {further}?
| Which of these two has been drawn {further}: {the} or {the2}?
| Take {the} and {the2}: which (one/) is {further}? | There are {the} and {the2}. Which is {further}?
| Which is the one that is {further} @: {the} or {the2}? | What do you see {further} @, {the} or {the2}?
| Which would you say is {further} @, {the} or {the2}?
| {the} or {the2}: which (one/of them) is {further} @?
| Where {the} and {the2} are concerned, which is {further}? | Do you see {the} or {the2} {further} @?
| Can you see which is {further} @, {the} or {the2}? | What is {further}: is it {the}, or is it {the2}?
| Who is {further} @, {the} or {the2}? | Out of {the} and {the2}, which (one/) is {further} @?
| When you compare {the} (with/to) {the2}, which (one/) is {further}?
| So which is {further}, {the} or {the2}? | Would it be {the} or {the2} that is {further} @?
c which (one/) is {further}, {the} or {the2} | whether {the} or {the2} is {further} @
| which of {the} and {the2} is {further} | whether it is {the} or {the2} that is {further}
| which of the two is {further}, {the} or {the2} | what is {further} @, {the} or {the2}
| which of these is {further}: {the} or {the2} | if it is {the} or {the2} that is {further} @
| which one of {the} and {the2} is {further} @
o compare {the} (and/with) {the2} and say which is {further} | say which (one/) is {further}, {the} or {the2}
| name the one that is {further}, {the} or {the2} | decide which is {further}, {the} or {the2}
| pick the one that is {further}: {the} or {the2} | decide between {the} and {the2}: which is {further}
| tell me which (one/) is {further} @, {the} or {the2} | choose the one that is {further}: {the} or {the2}
| look at {the} and {the2} and tell me which (one/) is {further}
| find out which is {further}, {the} or {the2} | show me which (one/) is {further}, {the} or {the2}
f {further}: {the} or {the2}? | {the} or {the2}: which is {further}? | {the} or {the2} {further}?
| which one {further}, {the} or {the2}? | {the} vs {the2}: which is {further}?
| who's {further}, {the} or {the2}? | {further}, {the} or {the2} | what's {further}: {the} or {the2}?
= at_position picture
? What is {where} %? | What (do/can) you (see/find) {where} %?
| (Which/What) (object/thing/item) is {where} %? | What (is shown/is visible) {where} %?
| Is there (anything/something) {where} %? | What is there {where} %? | What can be (seen/found) {where} %?
| If you look {where} %, what do you see? | Do you see (anything/something) {where} %?
| What is the (thing/object) {where} %? | What would I (find/see) {where} %?
| What has been (drawn/placed) {where} %? | I see something {where}. What is it?
| Can you (make out/recognise/see) what is {where} %? | What (kind/sort) of (object/thing) is {where} %?
| Which (thing/object) (do/can) you see {where} %?
c what is {where} % | what can be seen {where} % | (which/what) (object/thing) is {where} %
| what there is {where} % | what I (see/can see/would find) {where} %
| if there is (anything/something) {where} % | what has been drawn {where} % | what appears {where} %
n the (thing/object/item) {where} % | the name of the (thing/object) {where} %
| the object that can be seen {where} % | the thing that is {where} %
o name the (thing/object) {where} % | identify the (thing/object/item) {where} %
| look {where} % and tell me what you see | say what you see {where} %
| tell me about the (thing/object) {where} % | show me what is {where} % | say what is {where} %
f {where} %: what? | {where}: what is it? | object {where}? | what thing {where} %?
| {where}, what do you see?
= describe_picture picture
? What (do/can) you see @? | What is in (the/this) (picture/image/drawing)?
| What does (the/this) (picture/image/drawing/scene) show? | What is there to see @? | What is shown @?
| What can be seen @? | Can you describe (the/this) (picture/image/scene)?
| How would you describe (the/this) (picture/image/drawing)? | What (am I/are we) looking at?
| What is to be seen @? | What is this a (picture/drawing) of? | What is (going on/happening) @?
| What is drawn @? | What does the (picture/scene) look like? | Here is a picture. What is (in it/on it)?
| Here is an image. What do you see? | Look at this (picture/image). What is it?
| What is this (picture/drawing) about?
c what (the/this) (picture/image/drawing/scene) shows | what can be seen @ | what there is to see @
| what this picture is about | what is (shown/drawn/visible) @ | what is (happening/going on) @
| what the (picture/image/scene) looks like
n the content of (the/this) (picture/image/drawing) | the subject of (the/this) (picture/image/drawing)
o describe (the/this) (picture/image/drawing/scene) | describe what you see @
| tell me about (the/this) (picture/image/scene) | describe what is shown @
| look at (the/this) (picture/image) and (tell me what you see/describe it) | tell me what you see @
| give me a (short/) description of (the/this) (picture/image) | say what is in (the/this) (picture/image)
| say what you see @ | have a look at (the/this) picture and say what it shows
| put (the/this) (picture/scene) into words | sum up (the/this) picture | take a look and tell me what you see
| report what you see @
f picture: what do you see? | description of the (picture/image)? | what's in the picture
| image: description? | describe picture
= list_objects picture
? (Which/What) (objects/things/items) (do/can) you see @? | (Which/What) (objects/things/items) are there @?
| Can you (list/name) the (objects/things/items) @?
| (Which/What) (objects/things/items) did you (find/notice) @?
| (Which/What) (objects/things) does (the/this) (picture/image/drawing) (show/contain/include)?
| (Which/What) (different/) (objects/things) (can you make out/do you recognise/have been drawn) @?
| What are the (objects/things/items) @? | Can I have a list of (the/all) (objects/things/items) @?
| Could you go through the (objects/things) @ one by one?
| (Which/What) (objects/things/items) can you (name/find/identify) @?
| Which things (appear/show up/are visible) @? | What are all the things called that you see @?
c (which/what) (objects/things/items) there are @ | (which/what) (objects/things) can be seen @
| (which/what) (objects/things) have been drawn @ | which (objects/things/items) the (picture/image) contains
| (which/what) (objects/things) are visible @ | which things the (drawing/scene) (shows/includes)
n the (full/whole/complete) list of (objects/things/items) @ | the list of all (objects/things) @
| the list of everything @ | the list of the (objects/items) that can be seen @
| the name of every (object/thing) @
o list (the/all/all the) (objects/things/items) @ | name (the/all the) (objects/things) @
| list everything (that you see/you can see) @ | name every object @ | name everything that you see @
| give me a list of (the/all) (objects/things/items) @ | make a list of (the/all the) (objects/things) @
| tell me (which/what) (objects/things/items) (there are/you see) @ | enumerate the (objects/things/items) @
| go through the (objects/things) @ and name them | name the (objects/things) @ one by one
| identify (the/all the) (objects/things) @ | name each (object/thing) @
| write down all the (things/items) that you see @
f list of (objects/things)? | objects? | all (objects/things/items) @ | (objects/things) @, one by one
| which (objects/things)?
= list_kind picture
? Which {names} do you see @? | (Which/What) {names} are there @?
| (Which/What) {names} can you (find/spot/recognise) @? | (Which/What) {names} did you (notice/find) @?
| What {names} (are shown/have been drawn/are visible) @? | What are the {names} @ called?
| (Which/What) {names} does the (picture/image/drawing) (show/contain/include)?
| Can you (list/name) the {names} @? | Are there any {names} @, and if so, which?
| What (kind/sort) of {names} (are there/do you see) @? | Which of the (things/objects) @ are {names}?
| Do you see any {names} @, and which? | (Which/What) {names} can be seen @?
c (which/what) {names} there are @ | (which/what) {names} can be seen @
| which {names} the (picture/image) (shows/contains) | (which/what) {names} are to be seen @
| which {names} I can (see/find) @ | which of the (things/objects) @ are {names}
n the list of {names} @ | the (full/complete) list of the {names} @ | the list of all {names} @
| the list of the {names} that can be seen @
o list (the/all/all the) {names} @ | name (the/all the) {names} @
| tell me (which/what) {names} (there are/you see) @ | name the {names} @ one by one
| give me a list of (the/all the) {names} @ | say which {names} you see @ | enumerate the {names} @
| make a list of (the/all the) {names} @ | show me all the {names} @ | identify all the {names} @
| go through the {names} @ and name them
f {names}: which? | list of {names}? | which {names}? | {names} @, one by one | all {names} @
= colour picture
? What (colour/color) is {the} @? | What is the (colour/color) of {the} @?
| (What/Which) (colour/color) does {the} have @? | In (what/which) (colour/color) has {the} been drawn @?
| (What/Which) (colour/color) can you see on {the}? | (What/Which) (colour/color) has {the} got @?
| (What/Which) (colour/color) would you say {the} is? | How is {the} coloured @?
| Is {the} red, blue or some other (colour/color)? | (What/Which) (colour/color) do you see on {the}?
| What (colour/color) has {the} been (painted/given) @? | (What/Which) shade is {the} @?
| {the}: what (colour/color) is that? | I see {the}. What (colour/color) is it?
c (what/which) (colour/color) {the} is @ | (what/which) (colour/color) {the} has @
| what the (colour/color) of {the} is @ | how {the} has been (coloured/painted) @
| in (what/which) (colour/color) {the} is (painted/shown) @
n the (colour/color) of {the} @ | {the}'s (colour/color) @ | the (colour/color) that {the} has @
| the (colour/color) in which {the} is (painted/drawn) @ | the shade of {the} @
o name the (colour/color) of {the} @ | describe the (colour/color) of {the} @
| tell me (what/which) (colour/color) {the} is @ | identify the (colour/color) of {the} @
| look at {the} @ and tell me its (colour/color) | say (what/which) (colour/color) {the} has @
| find {the} @ and (say/tell me) what (colour/color) it is | check (what/which) (colour/color) {the} is @
f {the}: (colour/color)? | (colour/color) of {the}? | {the}, (what/which) (colour/color)?
| {the}: red, blue or what? | what (colour/color) {the}
= size picture
? How (big/large) is {the} @? | What size is {the} @? | What is the size of {the} @?
| What size does {the} have @? | Is {the} (small or large/big or small) @?
| Is {the} small, medium or large @? | How (big/large) does {the} (look/seem) @?
| How (big/large) would you say {the} is? | How (big/large) has {the} been drawn @?
| Would you call {the} small, medium or large? | Is {the} a (small or a large/big or a small) one?
| Of what size is {the} @? | Which size has {the} got @? | I see {the}. How (big/large) is it?
| Is {the} large, or is it small? | At what size has {the} been drawn @? | What is {the}'s size @?
| Which size is {the} @? | What sort of size is {the} @? | How much (room/space) does {the} take up @?
| Which of the three sizes is {the}: small, medium or large?
| In (what/which) size (is {the} shown/do you see {the}) @? | What can you say about the size of {the} @?
| How (big/large) a thing is {the} @?
c how (big/large) {the} is @ | what size {the} (is/has) @ | whether {the} is (small or large/big or small) @
| how (big/large) {the} looks @ | what the size of {the} is @ | whether {the} is small, medium or large
| which size {the} (is/has) @ | how much (room/space) {the} takes up @
| in (what/which) size {the} has been drawn @ | if {the} is (small or large/big or small) @
| how (big/large) {the} has been drawn @
n the size of {the} @ | {the}'s size @ | the rough size of {the} @ | the size that {the} has @
| {the}'s (rough/approximate) size @ | the size in which {the} has been drawn @
| the (approximate/general) size of {the} @
o name the size of {the} @ | (judge/describe) the size of {the} @ | say how (big/large) {the} is @
| tell me what size {the} is @ | look at {the} @ and say how (big/large) it is
| find {the} @ and tell me its size | check how (big/large) {the} is @
| say whether {the} is (small or large/big or small) @ | give me the size of {the} @
| (estimate/assess) how (big/large) {the} is @ | tell me if {the} is (small, medium or large/big or small) @
| tell me about the size of {the} @
f {the}: size? | size of {the}? | {the}, (big or small/small or large)? | {the}, how (big/large)?
| how big {the} | {the}: small, medium or large? | {the} how big? | what size {the}? | {the}'s size?
| how large is {the}
= place picture
? Where is this? | What place is this? | (Which/What) place does (the/this) (picture/image/drawing) show?
| What place do you see @? | What is the (background/setting/scenery) @? | Where does this scene take place?
| What (kind/sort/type) of place is this? | Where are we @? | What do you see in the background @?
| In what (kind/sort) of (setting/environment) are we? | Where is (the/this) (scene/picture) set?
| What (surroundings/environment) do you see @? | (Which/What) place could this be?
| Do you recognise (this/the) place? | Where was this (drawn/picture made)? | What does the background show?
| In what kind of place does this (happen/take place)? | What is (behind/around) everything @?
| Which place are we looking at?
c where this is | (what/which) place this is | where we are @ | what place (the/this) (picture/drawing) shows
| where (the/this) scene (is set/takes place) | what the (background/setting) is @
| what (kind/sort/type) of place this is | what is in the background @
n the (setting/background) of (the/this) (picture/scene) | the (kind/sort) of place that this is
| the (scenery/background) @ | the place that the picture shows
| the place where this scene (is set/takes place) | the environment @
o name the (place/setting) @ | describe the (background/setting/scenery/surroundings) @
| say where (this is/we are) | tell me what place this is | identify the (place/background) @
| tell me about the (place/setting) @ | recognise the place @
| look at the background and (name the place/say where we are) | tell me what kind of place this is
f place? | (setting/background)? | what place | kind of place? | scene: where is it? | where are we
"""
