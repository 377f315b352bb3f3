"""The closed word classes of English that the matcher knows. Everything else comes from the vocabulary."""


def word_set(words: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(words.split())


_COUNTING = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
NUMBERS: dict[str, int] = {word: value for value, word in enumerate(_COUNTING.split())} | {
    "single": 1,
    "both": 2,
    "dozen": 12,
}

ORDINALS: dict[str, int] = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4,
    "last": -1,
}  # fmt: skip

DEFINITE = word_set("the this that these those")
POSSESSIVE = word_set("my your his her its our their")
INDEFINITE = word_set("a an another some any each every either neither no")
QUANTITY = word_set("all several many few most various numerous multiple more other others enough such")
DETERMINERS = DEFINITE | POSSESSIVE | INDEFINITE
COLLECTIVE: dict[str, int | None] = {
    "pair": 2, "couple": 2, "trio": 3, "group": None, "lot": None, "lots": None, "number": None,
    "flock": None, "herd": None, "pack": None, "bunch": None, "row": None, "swarm": None, "crowd": None,
    "handful": None, "plenty": None,
}  # fmt: skip

ONE_WORDS = word_set("a an another this that each every either neither other first last")
SEVERAL_WORDS = word_set("these those some several many all both few various")
PLURAL_VERBS = word_set("are were have do make come stand sit")

LEFT_WORDS = word_set("left leftmost left-hand")
RIGHT_WORDS = word_set("right rightmost right-hand")
TOP_WORDS = word_set("top upper topmost uppermost")
BOTTOM_WORDS = word_set("bottom lower bottommost lowest lowermost")
CENTRE_WORDS = word_set("centre center central middle")
POSITION_WORDS = LEFT_WORDS | RIGHT_WORDS | TOP_WORDS | BOTTOM_WORDS | CENTRE_WORDS

SMALL_WORDS = word_set("small smaller smallest little tiny minute mini")
LARGE_WORDS = word_set("large larger largest big bigger biggest huge giant great")
MEDIUM_WORDS = word_set("medium medium-sized mid-sized")
SIZE_WORDS = SMALL_WORDS | LARGE_WORDS | MEDIUM_WORDS

ADJECTIVES = word_set(
    "very quite rather really only same different new old young nice cute pretty beautiful lovely happy "
    "sad good bad bright dark pale light deep long short tall high low wide narrow thick thin round square "
    "flat curved straight wooden metal plastic golden silver colourful colorful striped spotted drawn real "
    "wild tame quiet loud soft faint distant nearby near far clear blurry blurred shiny plain single whole "
    "entire certain first second third last next front back sleeping sitting standing running flying "
    "walking swimming smiling burning lit closed open empty full"
)
MODIFIERS = ADJECTIVES | SIZE_WORDS | POSITION_WORDS | QUANTITY | frozenset(NUMBERS) | frozenset(ORDINALS)
ADVERBS = word_set(
    "not also just still too here there now then again maybe perhaps probably possibly clearly only even "
    "almost about around together apart away very quite rather however instead otherwise yes no well once "
    "twice ever never always often sometimes somewhere anywhere nowhere everywhere else indeed really "
    "partly directly exactly"
)
PRONOUNS = word_set(
    "i you he she it we they me him us them myself itself themselves one ones something anything nothing "
    "everything someone anyone everyone nobody somebody none who whom whose which what mine yours ours "
    "theirs"
)
PREPOSITIONS = word_set(
    "of in on at by to from with without into onto over under above below beneath underneath beside "
    "besides between behind near next through during before after until since across along against among "
    "inside outside off up down out than as like for per about within toward towards beyond"
)
CONJUNCTIONS = word_set(
    "and or nor but if because so while when where whether though although whereas yet that"
)
VERBS = word_set(
    "be am is are was were been being do does did done have has had can cannot could will would shall "
    "should may might must see sees saw seen hear hears heard look looks looking listen find finds found "
    "show shows shown contain contains include includes make makes made making come comes came belong "
    "belongs fit fits match matches say says said tell know knows think seem seems appear appears stand "
    "stands sit sits lie lies stay stays go goes get gets give gives let take takes keep keeps put puts "
    "produce produces sound sounds play plays name names mean means want wants need needs try tries ask "
    "asks use uses understand guess detect notice spot recognise recognize identify exist exists"
)
SUBJECTS = word_set("i you we they he she it who")
MODALS = word_set(
    "can cannot could will would shall should may might must please do don't can't let's didn't doesn't"
)
COPULAS = word_set("is are was were be been being isn't aren't wasn't weren't it's that's am")

HEARING = word_set(
    "hear hears heard hearing listen listens listening audible sound sounds noise noises recording clip audio"
)
SEEING = word_set(
    "see sees seen seeing look looks picture image photo scene show shows shown visible view drawing "
    "photograph"
)
PERCEIVE = (
    HEARING
    | SEEING
    | word_set(
        "find finds found detect detects notice spot contain contains have has had include includes feature "
        "features depict depicts recognise recognize identify perceive any there appear exist hold holds "
        "display"
    )
)
HEDGES = word_set("maybe perhaps possibly might could may unsure probably guess seems looks resembles")
# A sentence about what Bubo is, knows or is asked says nothing about the media at hand.
TALK = word_set(
    "know knows known learned learnt trained understand called name named names latin kind able ask "
    "program trust answer speak means project"
)

# What the texts of pictures and sounds talk about without naming a thing in them.
ABSTRACT = word_set(
    "picture pictures image images photo photos photograph drawing scene scenes background foreground "
    "sound sounds noise noises audio clip clips recording recordings second seconds minute minutes moment "
    "moments time times start beginning end duration part parts place places position positions side sides "
    "corner corners edge edges half area areas region regions centre center middle top bottom left right "
    "front back way ways kind kinds sort type types bit lot number numbers colour colours color colors "
    "size sizes shape shapes thing things object objects item items stuff world model models demo program "
    "programs project language languages answer answers question questions word words sentence text link "
    "links mask masks name names example reason source sources view look case fact idea problem mistake "
    "mistakes data memory network processor gpu code machine help chance rest pair match mismatch verdict "
    "level volume pitch tone rhythm music song speech voice silence echo mix mixture combination couple "
    "group set list line point points total anything nothing everything something day night morning "
    "evening moment weather air light shadow style detail details impression feeling mood atmosphere "
    "setting surroundings environment distance direction space middle kinds good one ones category "
    "categories list lists title theme version order photographs others person people million few english "
    "french german spanish trace sign pixel pixels"
)
ABSTRACT_SUFFIXES = (
    "ness", "ity", "tion", "sion", "ment", "ance", "ence", "ism", "ship", "hood", "ology", "ful", "ous",
    "ive", "able", "ible", "ical", "ish", "ly", "ing", "ed",
)  # fmt: skip
# "dog house", "car door": the word before names no thing of its own.
COMPOUND_HEADS = word_set(
    "house houses food door doors park station stop toy toys tail wheel wheels window windows seat seats "
    "driver owner lover shop shape shapes show race name names trunk leaf leaves stand lane world picture "
    "pictures ring case box"
)
SOUND_NOUNS = word_set("sound sounds noise noises")

NOT_WORDS = word_set(
    "not isn't aren't wasn't weren't don't doesn't didn't can't cannot couldn't haven't hasn't hadn't "
    "won't wouldn't never ain't unable fail fails failed"
)
SEEN_OR_HEARD = word_set(
    "seen heard found detected visible present shown audible there here anywhere missing"
)
MEDIA = word_set("picture image photo scene sound clip recording audio view drawing")
GONE = word_set("missing absent nowhere lacking")
BE_FORMS = word_set("be is are was were isn't aren't wasn't weren't")
BEFORE_PLACE = word_set(
    "that which who is are was were be can it's also just far located placed seen visible shown found "
    "heard stands standing sits sitting lies lying somewhere both all rather more still"
)
PLACE_PREPOSITIONS = word_set("at on in to near towards toward by along from")
TAKES_TO = word_set("next close belong belongs due similar opposite near thanks listen listening points")
NEEDS_ARTICLE = word_set(
    "only very quite rather really near far next last first second third back front open closed lit full "
    "same even well still sleeping sitting standing running flying walking swimming smiling burning bright "
    "loud long high low"
)
MEDIA_WORDS = MEDIA | word_set("pictures images photos sounds")
CLAUSE_STARTS = word_set("but however although though while whereas because so only instead yet")
IRREGULAR_PLURALS: dict[str, str] = {
    "mouse": "mice", "goose": "geese", "wolf": "wolves", "leaf": "leaves", "loaf": "loaves", "knife":
    "knives", "calf": "calves", "foot": "feet", "tooth": "teeth", "child": "children", "man": "men",
    "woman": "women", "person": "people", "sheep": "sheep", "fish": "fish", "deer": "deer", "aircraft":
    "aircraft", "bus": "buses", "ox": "oxen", "potato": "potatoes", "tomato": "tomatoes", "cactus":
    "cacti", "shelf": "shelves", "half": "halves", "scarf": "scarves", "thief": "thieves", "spacecraft":
    "spacecraft", "hero": "heroes", "echo": "echoes", "furniture": "furniture", "clothing": "clothing",
    "jewellery": "jewellery", "cattle": "cattle",
}  # fmt: skip
_SINGULARS = {plural: singular for singular, plural in IRREGULAR_PLURALS.items()}


def plural_of(noun: str) -> str:
    """The plural of a singular noun; of several words the last one takes the ending."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR_PLURALS:
        last = IRREGULAR_PLURALS[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith("man"):
        last = last[:-3] + "men"
    else:
        last += "s"
    return f"{head} {last}".strip()


def singular_of(noun: str) -> str:
    """The singular of a noun that the vocabulary does not know; a singular stays as it is."""
    head, _, last = noun.rpartition(" ")
    if last in _SINGULARS:
        last = _SINGULARS[last]
    elif last.endswith("men") and len(last) > 4:
        last = last[:-3] + "man"
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif last.endswith(("sses", "xes", "zzes", "ches", "shes")):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")) and len(last) > 3:
        last = last[:-1]
    return f"{head} {last}".strip()
