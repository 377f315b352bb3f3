"""The verbs with a fake assistant: what goes to stdout and stderr, exit codes, bad input."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import fakes
import pytest
from PIL import Image
from scripted_endpoint import hang, refuse, say, serve

import bubo.conversation  # noqa: F401  (before its `load` is replaced)
from bubo import cli
from bubo.assistant import Assistant
from bubo.cli import chat, entry
from bubo.cli.arguments import place_of
from bubo.cli.report import notes
from bubo.endpoint import KEY_VARIABLE
from bubo.errors import InputError, ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.types import Answer, Place

ANSWER = "I see a dog. I hear a dog barking. There is no piano."


class Terminal(io.StringIO):
    """A stand-in for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored_surroundings(monkeypatch):
    """What the command line sets for its process does not outlive a test."""
    for name in entry._QUIET:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    logger = logging.getLogger("bubo")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def speaker():
    return fakes.FakeSpeaker(ANSWER)


@pytest.fixture
def assistant(speaker, monkeypatch):
    """Sees a dog at x 10..30, y 20..50, hears it from 0.2 to 0.8 s, and is loaded by any name."""
    grounder = Grounder(
        fakes.FakeTagger({"dog": 0.97, "piano": 0.02}),
        fakes.FakeDetector({"dog": [((10, 20, 30, 50), 0.9)]}),
        fakes.FakeSegmenter(),
        fakes.FakeListener({"barking": [(0.2, 0.8, 0.95)]}),
        Lexicon.from_dict(fakes.VOCABULARY),
    )
    made = Assistant(speaker, grounder, name="nano")
    monkeypatch.setattr("bubo.assistant.load", lambda name: made)
    monkeypatch.setattr("bubo.conversation.load", lambda name: made)
    monkeypatch.setattr("bubo.loading.grounder_of", lambda name: made.grounder)
    return made


@pytest.fixture
def media(picture_file, sound_file):
    return ["--picture", str(picture_file), "--sound", str(sound_file)]


def test_notes_say_what_a_reader_should_know():
    answer = Answer("A dog.", metadata={"finish": "length", "turns_dropped": 2, "sampled_s": 40.2})
    cut, dropped, sampled = notes(answer)
    assert "cut" in cut and dropped.startswith("2 of the oldest turns") and "sound of 40 s" in sampled
    assert notes(Answer("A dog.", metadata={"finish": "stop", "turns_dropped": 0, "sampled_s": 0.0})) == []


def test_ask_prints_the_answer_and_what_it_rests_on(assistant, media, capsys):
    assert cli.main(["ask", "What do you see and hear?", *media]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:2] == [ANSWER, ""]
    dog = next(line for line in lines if "a dog" in line and "->" in line)
    assert "seen and heard" in dog
    assert "left [10 20 30 50]" in dog
    assert "0.2-0.8 s" in dog
    assert any("piano" in line and "not there" in line for line in lines)
    assert lines[-1].startswith("  picture and sound: match (0.")
    assert err == ""


def test_a_preset_is_loaded_as_the_options_say(assistant, media, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        "bubo.assistant.load", lambda name, **options: asked.append((name, options)) or assistant
    )
    options = {"grounder": "quick", "dtype": "bf16", "quantization": "4bit", "device": "cpu"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert cli.main(["ask", "What?", *media, "--model", "some", *words]) == 0
    assert asked == [("some", options)]
    assert ANSWER in capsys.readouterr().out


def test_nano_is_loaded_in_one_way(picture_file, capsys):
    assert cli.main(["ask", "What?", "--picture", str(picture_file), "--grounder", "quick"]) == 2
    assert "leave dtype, quantization, device and grounder out" in capsys.readouterr().err


def test_ask_as_json_is_exactly_the_answer(assistant, media, capsys):
    assert cli.main(["ask", "What do you see and hear?", *media, "--json"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert list(data) == ["text", "entities", "links", "verdict", "timings"]
    assert Answer.from_dict(data).to_dict() == data
    assert data["text"] == ANSWER
    assert data["verdict"]["value"] == "match"
    assert len(out.splitlines()) == 1
    assert err == ""


@pytest.mark.parametrize(
    ("words", "temperature", "seed"),
    [
        ([], 0, None),
        (["--greedy"], 0, None),
        (["--seed", "3"], 0.7, 3),
        (["--seed", "3", "--greedy"], 0, None),
    ],
)
def test_decoding_options(assistant, speaker, words, temperature, seed):
    assert cli.main(["ask", "Hello?", *words]) == 0
    (settings,) = speaker.settings
    assert (settings.temperature, settings.seed) == (temperature, seed)


def test_media_can_be_given_in_any_order_and_number(assistant, speaker, picture_file, sound_file, tmp_path):
    other = tmp_path / "other.png"
    Image.new("RGB", (8, 9)).save(other)
    words = ["--picture", picture_file, other, "--sound", sound_file, "--picture", picture_file]
    assert cli.main(["ask", "Hello?", *map(str, words)]) == 0
    (turn,) = speaker.asked[0]
    assert [picture.size_hw for picture in turn.pictures] == [(60, 80), (9, 8), (60, 80)]
    assert len(turn.sounds) == 1


def test_ask_points(assistant, speaker, media, capsys):
    speaker.queue = ["It is red."]
    assert cli.main(["ask", "What colour is it?", *media, "--at", "9,18,31,52"]) == 0
    assert "It is red." in capsys.readouterr().out
    assert "I point at the dog on the left" in speaker.asked[0][-1].text
    assert speaker.asked[0][-1].places[0].box == (9, 18, 31, 52)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("12,7.5", Place.at(12, 7.5)),
        ("1, 2, 30, 40", Place(box=(1, 2, 30, 40))),
        ("3s-5s", Place(seconds=(3, 5))),
        ("0.5-2s", Place(seconds=(0.5, 2))),
        ("e2", Place(entity="e2")),
    ],
)
def test_places_as_text(text, place):
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["-5,3", "1,-2", "-5, 3", "-5,3,10,12", "-.5,3"])
@pytest.mark.parametrize("joined", [False, True])
def test_places_outside_of_the_picture(assistant, speaker, media, capsys, text, joined):
    """What begins with a minus is no option."""
    place = [f"--at={text}"] if joined else ["--at", text]
    assert cli.main(["ask", "What is this?", *media, *place]) == 2
    error = capsys.readouterr().err
    expected = "is no place; give x,y" if text == "-.5,3" else "lies outside of picture 0, which has 80 x 60"
    assert expected in error
    assert speaker.asked == []


@pytest.mark.parametrize("text", ["", "12", "1,2,3", "3-5", "a,b", "1e400,2", "1,--2", "5s-3s"])
def test_no_places(text, capsys):
    with pytest.raises(InputError):
        place_of(text)
    assert cli.main(["ask", "What is this?", "--at", text]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("name", ["linked.png", "linked.JPG", "linked.webp"])
def test_ask_draws(assistant, media, tmp_path, capsys, name):
    assert cli.main(["ask", "What?", *media, "--draw", str(tmp_path / name)]) == 0
    with Image.open(tmp_path / name) as image:
        assert image.width > 100
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["ask", "What?", "--picture", "missing.png"], "'missing.png'"),
        (["ask", "What?", "--picture", __file__], "is not a picture"),
        (["ask", "What?", "--sound", os.devnull], "not a sound file"),
        (["ask", ""], "The question is empty"),
        (["ask", "x" * 10_000], "10,000 characters"),
        (["ask", "--picture", "a.png", "What?"], "there is no QUESTION; put it first"),
        (["ask", "What?", "--seed", "many"], "a seed is a whole number"),
        (["ask", "What?", "--seed", "-1"], "a seed is a whole number"),
        (["ask", "What?", "--colour"], "unrecognized arguments: --colour"),
        (["ask", "What?", "--draw", "out.txt"], "end its name in .png"),
        (["ask", "What?", "--draw", "nowhere/out.png"], "no folder 'nowhere'"),
        (["ask", "What?", "--model", "gpt"], "No model is called 'gpt'"),
        (["ground", "missing.png", "--text", "a dog"], "'missing.png'"),
        (["ground", "missing.png"], "--text"),
        (["ground", "missing.png", "--text", "  "], "The text is empty"),
        (["chat", "--picture", "missing.png"], "'missing.png'"),
        (["bench", "--rounds", "0"], "expected 1 to 1000"),
        (["doctor", "nano"], "unrecognized arguments: nano"),
        (["data"], "required: SOURCE"),
        (["data", "world", "out", "--coun", "3"], "unrecognized arguments: --coun"),
        (["data", "world", "out", "--count", "many"], "argument --count"),
        (["data", "world", os.devnull], "Cannot use the folder"),
        (["data", "world", f"{os.devnull}/x"], "Cannot use the folder"),
        (["train"], "required: STAGE; see"),
        (["train", "nowhere.yaml"], "no file nowhere.yaml"),
        (["eval", "world", "--split", "test"], "invalid choice: 'test'"),
        (["aks", "What?"], "Did you mean 'ask'?"),
        (["--what"], "There is no verb '--what'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words, part, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert part in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_failed_drawing_leaves_nothing_behind(assistant, media, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert cli.main(["ask", "What?", *media, "--draw", str(tmp_path / "linked.png")]) == 2
    assert "error: Cannot write" in capsys.readouterr().err
    assert not list(tmp_path.glob("*linked*"))


def test_overview_and_version(capsys):
    for words in ([], ["--help"], ["-h"], ["help"]):
        assert cli.main(words) == 0
        out = capsys.readouterr().out
        assert all(f"\n  {verb} " in out for verb in cli.VERBS)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bubo 0.")
    assert cli.main(["help", "ask"]) == 0
    assert "usage: bubo ask QUESTION" in capsys.readouterr().out


def test_ground(assistant, picture_file, tmp_path, capsys):
    words = ["ground", str(picture_file), "--text", "the dog and a piano"]
    assert cli.main([*words, "--draw", str(tmp_path / "out.png")]) == 0
    out = capsys.readouterr().out
    assert "the dog -> seen; left [10 20 30 50]" in out
    assert "not there" in out
    assert (tmp_path / "out.png").is_file()
    assert cli.main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["text", "entities", "links", "verdict", "timings"]
    assert data["verdict"] is None
    assert data["entities"][0]["regions"][0]["mask"]["size"] == [60, 80]
    assert cli.main(["ground", str(picture_file), "--text", "and so on"]) == 0
    assert "names nothing" in capsys.readouterr().out


# ------------------------------------------------------------------ chat


def test_chat_reads_questions_from_a_pipe(assistant, speaker, media, capsys, monkeypatch, tmp_path):
    speaker.enqueue("It is on the left.")
    lines = f"What do you see?\n\nWhere is it?\n/draw {tmp_path}/out.png\n/quit\nnever asked\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert cli.main(["chat", *media]) == 0
    out = capsys.readouterr().out
    assert "you> What do you see?\n" + ANSWER in out
    assert "you> Where is it?\nIt is on the left." in out
    assert len(speaker.asked) == 2
    assert [len(turn.pictures) for turn in speaker.asked[1]] == [1, 0, 0]
    assert (tmp_path / "out.png").is_file()


@pytest.mark.parametrize(
    ("words", "question"),
    [(["--samples"], "What do you see and hear?"), ([], "What can you do?")],
)
def test_chat_without_questions_asks_one(assistant, speaker, capsys, monkeypatch, words, question):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert cli.main(["chat", *words]) == 0
    out = capsys.readouterr().out
    assert f"you> {question}\n{ANSWER}" in out
    assert len(speaker.asked[0][0].pictures) == len(speaker.asked[0][0].sounds) == bool(words)


def test_chat_does_not_wait_for_a_silent_pipe(assistant, capsys, monkeypatch):
    reading, writing = os.pipe()
    monkeypatch.setattr(chat, "FIRST_LINE_S", 0.05)
    with open(reading) as silent, open(writing, "w"):
        monkeypatch.setattr("sys.stdin", silent)
        assert cli.main(["chat"]) == 0
    assert ANSWER in capsys.readouterr().out


def test_chat_from_a_pipe_fails_with_the_question(assistant, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("/picture missing.png\n"))
    assert cli.main(["chat"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no picture 'missing.png'")


@pytest.fixture
def type_lines(monkeypatch):
    """Puts lines into a terminal; an exception among them is raised at the prompt. Gives what is printed."""

    def start(*lines):
        typed = iter(lines)

        def read(prompt=""):
            line = next(typed, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        screen = Terminal()
        monkeypatch.setattr("sys.stdin", Terminal())
        monkeypatch.setattr("sys.stdout", screen)
        monkeypatch.setattr("builtins.input", read)
        return screen

    return start


def test_chat_in_a_terminal(assistant, speaker, type_lines, picture_file, sound_file, tmp_path, capsys):
    speaker.enqueue("It is on the left.", "Here is the dog.")
    screen = type_lines(
        "/help",
        f'/picture "{picture_file}"',
        f"/sound {sound_file}",
        "/draw early.png",
        "What do you see?",
        "/unknown",
        "/picture",
        f"/draw {tmp_path}/out.png",
        f"/save {tmp_path}/talk.bubo",
        "Where is it?",
        f"/load {tmp_path}/talk.bubo",
        "And now?",
        "/new",
        f"/save {tmp_path}/new.bubo",
    )
    assert cli.main(["chat"]) == 0
    shown, errors = screen.getvalue(), capsys.readouterr().err
    assert "/save F" in shown and "in brackets" in shown
    told = [line for line in shown.splitlines() if "picture and sound:" in line]
    assert ["as before" in line for line in told] == [False, True, False]  # after /load it is told again
    assert "picture: picture.png (80 x 60 pixels)" in shown
    assert "sound: sound.wav (1.0 s)" in shown
    assert ANSWER in shown
    assert "loaded: 1 answer, model nano" in shown
    assert "a new conversation" in shown
    assert bubo.conversation.Conversation.load(tmp_path / "new.bubo").answers == ()
    assert "There is no answer to draw yet" in errors
    assert "There is no command /unknown; the commands are /picture" in errors
    assert "/picture needs a file: /picture PATH" in errors
    assert (tmp_path / "out.png").is_file()
    assert [len(turns) for turns in speaker.asked] == [
        1,
        3,
        3,
    ]  # the loaded talk ends before the second question
    assert [turn.text for turn in speaker.asked[2]][-1] == "And now?"


def test_an_error_keeps_what_was_attached(assistant, speaker, type_lines, picture_file, capsys):
    speaker.queue.insert(0, ModelError("the model fell over"))
    type_lines(f"/picture {picture_file}", "What?", "Again?")
    assert cli.main(["chat"]) == 0
    assert "error: the model fell over" in capsys.readouterr().err
    assert [len(turns[-1].pictures) for turns in speaker.asked] == [1, 1]


def test_ctrl_c_stops_an_answer_and_leaves_at_the_prompt(assistant, speaker, type_lines, monkeypatch):
    usual = speaker.stream

    def interrupted(*_):
        monkeypatch.setattr(speaker, "stream", usual)
        yield "I see"
        raise KeyboardInterrupt

    monkeypatch.setattr(speaker, "stream", interrupted)
    screen = type_lines("What?", "Again?", KeyboardInterrupt())
    assert cli.main(["chat"]) == 130
    assert "I see\n(stopped)" in screen.getvalue()
    assert ANSWER in screen.getvalue()


# ------------------------------------------------------------------ the process


def run_process(code, **options):
    return subprocess.run(
        [sys.executable, "-c", f"import sys\nfrom bubo.cli import main\n{code}"],
        text=True, capture_output=options.pop("capture_output", True), check=False, timeout=120, **options,
    )  # fmt: skip


def test_a_reader_that_went_away_is_no_error(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = run_process(
        "sys.exit(main(['--help']))", capture_output=False, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (entry.BROKEN_PIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        done = run_process(
            "sys.exit(main(['--help']))", capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: The output cannot be written: No space left on device.")
    assert len(done.stderr.splitlines()) == 1


def test_interruption_is_130(monkeypatch):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr("bubo.cli.ask.main", interrupted)
    assert cli.main(["ask", "What?"]) == 130


def test_what_a_terminal_cannot_show_becomes_a_question_mark():
    done = run_process(
        "from bubo.cli import ask\nask.main = lambda _: print('caf\\u00e9 \\u732b')\nsys.exit(main(['ask']))",
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stdout) == (0, "caf? ?\n")


def test_our_faults_are_not_hidden(monkeypatch):
    monkeypatch.setattr("bubo.cli.ask.main", lambda argv: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["ask", "What?"])


# ------------------------------------------------------------------ another speaker


@pytest.fixture
def spoken(assistant, monkeypatch):
    """Loads the fake assistant's grounder with the speaker that the command line chose."""

    def load(name, *, speaker=None):
        return assistant if speaker is None else Assistant(speaker, assistant.grounder, name=name)

    monkeypatch.setattr("bubo.assistant.load", load)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with serve() as server:
        yield server


def test_an_endpoint_speaks_and_our_tools_ground(spoken, media, capsys):
    spoken.enqueue(refuse(400, "audio is not supported"), say(ANSWER[:9], ANSWER[9:]))
    words = ["--speaker", spoken.url, "--speaker-model", "eyes-7b", "--speaker-timeout", "5"]
    assert cli.main(["ask", "What do you see and hear?", *media, *words]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{ANSWER}\n\n")
    assert "a dog" in out and "seen and heard; left [10 20 30 50]; 0.2-0.8 s" in out
    assert err == (
        "note: the speaker takes no sounds and was told: Heard in the sound of 1.0 s: a dog barking from 0.2 "
        "to 0.8 s.\n"
    )
    assert spoken.seen[1]["max_tokens"] == 1024


def test_a_presets_speaker_elsewhere_may_say_as_much(spoken, assistant, monkeypatch, tmp_path):
    from bubo.endpoint import EndpointSpeaker

    monkeypatch.setenv("BUBO_HOME", str(tmp_path))
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.yaml").write_text(
        f"summary: mine\nspeaker: {{kind: endpoint, url: '{spoken.url}', model: m}}\n"
    )
    speaker = EndpointSpeaker(spoken.url, "m")
    monkeypatch.setattr("bubo.conversation.load", lambda name: Assistant(speaker, None, name=name))
    spoken.enqueue(say("Yes."))
    assert cli.main(["ask", "Well?", "--model", "mine"]) == 0
    assert spoken.seen[0]["max_tokens"] == 1024


def test_the_matcher_by_reasoning_may_say_as_much(spoken, media, capsys):
    spoken.enqueue(refuse(400, "audio is not supported"), say("A hound."), say("A hound -> dog"))
    words = ["--speaker", spoken.url, "--speaker-model", "m", "--speaker-matches"]
    assert cli.main(["ask", "What?", *media, *words]) == 0
    assert spoken.seen[2]["max_tokens"] == 1024


def test_a_cut_answer_is_noted(spoken, capsys):
    spoken.enqueue(hang("A dog"))
    words = ["--speaker", spoken.url, "--speaker-model", "eyes-7b", "--speaker-timeout", "0.2"]
    assert cli.main(["ask", "What?", *words]) == 0
    out, err = capsys.readouterr()
    assert out == "A dog\n"
    assert err.startswith("note: the speaker at http://127.0.0.1") and "nothing came for 0.2 s" in err


def test_chat_keeps_the_speaker(spoken, type_lines, sound_file, tmp_path, capsys):
    spoken.enqueue(*[say("A bark.")] * 4)
    screen = type_lines(
        f"/sound {sound_file}",
        "What?",
        f"/save {tmp_path}/talk.bubo",
        "/new",
        "And now?",
        f"/load {tmp_path}/talk.bubo",
        "Again?",
    )
    words = ["--speaker", spoken.url, "--speaker-model", "eyes-7b", "--speaker-sound", "no"]
    assert cli.main(["chat", *words]) == 0
    assert screen.getvalue().count("A bark.") == 3
    assert [len(request["messages"]) for request in spoken.seen] == [1, 1, 3]
    assert capsys.readouterr().err.count("was told: Heard in the sound") == 2  # not again in one talk


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--speaker", "http://127.0.0.1:9/v1"], "needs --speaker-model NAME"),
        (["--speaker", "ftp://host", "--speaker-model", "x"], "expected one like http://127.0.0.1:8000/v1"),
        (["--speaker-model", "x"], "no --speaker to which it belongs"),
        (["--speaker-matches"], "belong to a --speaker"),
        (["--speaker", "ollama", "--speaker-timeout", "soon"], "'soon' was given; expected seconds above 0"),
        (["--speaker", "nowhere", "--speaker-model", "x"], "none of vllm, ollama, lmstudio, and no folder"),
        (["--speaker", ".", "--speaker-model", "x"], "are for endpoints, not for a folder"),
    ],
)
def test_a_speaker_that_cannot_be_meant(words, part, capsys):
    assert cli.main(["ask", "What?", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert part in err
    assert len(err.splitlines()) == 1
