"""A speaker elsewhere, over a scripted server: what is sent, what comes back, and all that goes wrong."""

import base64
import io
import json
import socket
import threading
import time
import wave

import fakes
import numpy as np
import pytest
import scripted_endpoint as scripted
from PIL import Image
from scripted_endpoint import babble, delta, hang, refuse, say, send

import bubo
from bubo import completions, endpoint
from bubo.assistant import Assistant
from bubo.endpoint import KEY_VARIABLE, EndpointSpeaker
from bubo.errors import InputError, QuestionError, SoundRefusedError, SpeakerError
from bubo.event_stream import MAX_EVENT, Address
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.media import load_picture
from bubo.speaker import Settings, ask_with
from bubo.types import Picture, Turn

QUESTION = [Turn("user", "What do you see?")]
KEY = "sk-secret-123"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(endpoint, "_WAITS_S", (0.01, 0.02))
    with scripted.serve() as server:
        yield server


@pytest.fixture
def speaker(server):
    return EndpointSpeaker(server.url, "eyes-7b", timeout_s=5)


def ask(speaker, turns=QUESTION, settings=None):
    return "".join(speaker.stream(turns, settings))


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "bubo-watchdog"]


# ------------------------------------------------------------------ what is sent


def test_turns_and_settings_are_sent(server, speaker):
    server.enqueue(say("A ", "dog."), say("Yes."))
    assert ask(speaker) == "A dog."
    turns = [Turn("system", "Be brief."), *QUESTION, Turn("assistant", "A dog."), Turn("user", "Sure?")]
    assert ask(speaker, turns, Settings(max_new_tokens=7, temperature=0.5, top_p=0.9, seed=3)) == "Yes."
    first, second = server.seen
    assert first["messages"] == [{"role": "user", "content": "What do you see?"}]
    assert (first["model"], first["stream"], first["temperature"]) == ("eyes-7b", True, 0)
    assert "seed" not in first and "top_p" not in first
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]
    assert (second["max_tokens"], second["temperature"], second["top_p"], second["seed"]) == (7, 0.5, 0.9, 3)
    assert server.paths == ["/v1/chat/completions"] * 2
    assert "Authorization" not in server.headers[0]


def test_media_are_sent_as_they_are(server, speaker, picture, sound):
    server.enqueue(say("A dog."))
    ask(speaker, [Turn("user", "What?", (picture,), (sound,))])
    shown, heard, text = server.seen[0]["messages"][0]["content"]
    kind, _, data = shown["image_url"]["url"].partition(";base64,")
    assert kind == "data:image/png"
    assert load_picture(base64.b64decode(data)).id == picture.id
    assert heard["input_audio"]["format"] == "wav"
    with wave.open(io.BytesIO(base64.b64decode(heard["input_audio"]["data"]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert np.abs(samples - sound.samples).max() < 1e-4
    assert text == {"type": "text", "text": "What?"}


def test_large_pictures_are_scaled_and_sent_as_jpeg():
    picture = Picture(np.full((1000, 4000, 3), 200, np.uint8))
    kind, _, data = completions.picture_url(picture).partition(";base64,")
    assert kind == "data:image/jpeg"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (2048, 512)


def test_a_medium_is_encoded_once(server, speaker, picture, monkeypatch):
    calls = []
    encode = completions.encode_png
    monkeypatch.setattr(completions, "encode_png", lambda medium: calls.append(medium) or encode(medium))
    server.enqueue(say("A dog."), say("Left."))
    turns = [Turn("user", "What?", (picture,))]
    ask(speaker, turns)
    ask(speaker, [*turns, Turn("assistant", "A dog."), Turn("user", "Where?")])
    assert len(calls) == 1
    assert server.seen[0]["messages"][0] == server.seen[1]["messages"][0]


def test_the_key_comes_from_the_environment_and_never_shows(server, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    speaker = EndpointSpeaker(server.url, "eyes-7b")
    server.enqueue(say("Yes."), refuse(401, f"Incorrect API key provided: {KEY}"))
    assert ask(speaker) == "Yes."
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    with pytest.raises(SpeakerError, match=f"refuses the key.*Check the environment variable {KEY_VARIABLE}"):
        ask(speaker)
    try:
        server.enqueue(refuse(401, f"Incorrect API key provided: {KEY}"))
        ask(speaker)
    except SpeakerError as error:
        assert KEY not in str(error) and KEY not in repr(speaker)
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY}\r\nX-Other: 1")
    with pytest.raises(InputError, match="holds spaces or signs") as caught:
        EndpointSpeaker(server.url, "eyes-7b")
    assert KEY not in str(caught.value)


# ------------------------------------------------------------------ what comes back


def test_pieces_come_as_they_are_sent_and_usage_is_counted(server, speaker):
    usage = {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 30}}
    server.enqueue(say("\n ", " A", " dog", ".", usage=usage))
    assert list(speaker.stream(QUESTION)) == ["A", " dog", "."]
    last = speaker.last
    assert (last.tokens_fed, last.tokens_reused, last.tokens_generated) == (10, 30, 3)
    assert (last.finish, last.note) == ("stop", "")
    assert 0 < last.first_token_s <= last.total_s
    server.enqueue(say("A dog", finish="length"), say("A dog", finish="content_filter"))
    ask(speaker)
    assert (speaker.last.finish, speaker.last.tokens_generated) == ("length", 0)  # nothing was told
    ask(speaker)
    assert "filter" in speaker.last.note


def test_odd_but_readable_streams(server, speaker):
    crlf = b'data: {"choices":[{"delta":{"content":"A"}}]}\r\n\r\n: comment\r\n\r\n'
    crlf += b"event: x\r\ndata: [DONE]\r\n\r\n"
    lines = b'data: {"choices":\ndata: [{"delta":{"content":"A"},\ndata: "finish_reason":"stop"}]}'
    null = b'data: {"choices":[{"delta":null}],"usage":null}\n\ndata: {"choices":null}\n\n'
    whole = json.dumps({"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}]}).encode()
    chunked = b"5\r\ndata:\r\n3\r\n [D\r\n7\r\nONE]\n\n0\r\n\r\n"
    for parts in ([crlf], [crlf[:20], crlf[20:21], crlf[21:]], [lines], [null, crlf]):
        server.enqueue(send(*parts))
        assert ask(speaker) == "A"
    server.enqueue(send(whole, kind="application/json"))
    assert ask(speaker) == "A"
    server.enqueue(send(chunked, Transfer_Encoding="chunked"))
    with pytest.raises(SpeakerError, match="without a word"):
        ask(speaker)


def test_what_would_steer_a_terminal_is_left_out(server, speaker):
    server.enqueue(say("A \x1b[31mdog\x07\n", "\ud83d."))
    assert ask(speaker) == "A [31mdog\n?."


def test_closing_closes_the_connection_at_once(server, speaker):
    server.enqueue(babble())
    pieces = speaker.stream(QUESTION)
    assert next(pieces) == "word "
    pieces.close()
    assert server.left.wait(2)
    assert speaker.last.finish == "closed"
    assert not threads()


@pytest.mark.parametrize("pieces", [("A dog ",), ()])
def test_a_stop_event_ends_the_answer(server, speaker, pieces):
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    server.enqueue(hang(*pieces))
    started = time.perf_counter()
    assert list(speaker.stream(QUESTION, None, stop)) == list(pieces)
    assert time.perf_counter() - started < 2
    assert speaker.last.finish == "stopped"


def test_streams_may_be_interleaved(server, speaker):
    server.enqueue(say("A", "B"), say("C", "D"))
    one, two = speaker.stream(QUESTION), speaker.stream(QUESTION)
    assert [next(one), next(two), next(one), next(two)] == ["A", "C", "B", "D"]
    assert list(one) + list(two) == []


# ------------------------------------------------------------------ what goes wrong


def test_nobody_listens(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    speaker = EndpointSpeaker(f"http://127.0.0.1:{port}/v1", "eyes-7b")
    with pytest.raises(SpeakerError, match=rf"127.0.0.1:{port}/v1 cannot be reached: Connection refused"):
        ask(speaker)
    assert speaker.last.finish == "closed"


def test_no_secure_server(server):
    speaker = EndpointSpeaker(server.url.replace("http", "https"), "eyes-7b", connect_timeout_s=2)
    with pytest.raises(SpeakerError, match="cannot be reached: no secure connection"):
        ask(speaker)


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (401, "no key", f"wants a key .401: no key.. Put it into the environment variable {KEY_VARIABLE}"),
        (403, "not yours", "refuses the key"),
        (404, "The model `eyes-7b` does not exist", "does not know the model 'eyes-7b'.*end in /v1"),
        (413, "too large", "finds the question too large"),
        (400, "no such role", "refuses the question .400: no such role"),
        (400, "line\nafter\x1b[2J line " + "x" * 999, r"\(400: line after \[2J line x+\.\.\.\)"),
    ],
)
def test_refusals_say_what_to_do(server, speaker, status, message, said):
    server.enqueue(refuse(status, message))
    with pytest.raises(SpeakerError, match=said):
        ask(speaker)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_a_few_times(server, speaker, status):
    server.enqueue(refuse(status, "busy"), refuse(status, "busy", Retry_After="0"), say("A dog."))
    assert ask(speaker) == "A dog."
    server.enqueue(*[refuse(status, "busy")] * 3, say("never"))
    with pytest.raises(SpeakerError, match=rf"has trouble \({status}: busy\)"):
        ask(speaker)
    assert len(server.queue) == 1


def test_waiting_for_a_busy_server_can_be_stopped(server, speaker):
    server.enqueue(refuse(429, "later", Retry_After="9"))
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert list(speaker.stream(QUESTION, None, stop)) == []
    assert speaker.last.finish == "stopped"


def test_redirects_are_not_followed(server, speaker):
    with scripted.serve() as other:
        server.enqueue(refuse(307, "moved", Location=f"{other.url}/chat/completions"))
        with pytest.raises(SpeakerError, match="sends us elsewhere.*not followed"):
            ask(speaker)
        assert other.seen == []


@pytest.mark.parametrize("reply", [hang(begin=False), hang(), hang(comments=True)])
def test_silence_before_the_answer(server, reply):
    speaker = EndpointSpeaker(server.url, "eyes-7b", timeout_s=0.2)
    server.enqueue(reply)
    with pytest.raises(SpeakerError, match=r"did not answer: nothing came for 0.2 s"):
        ask(speaker)
    assert not threads()


def test_silence_in_the_middle_keeps_what_came(server):
    speaker = EndpointSpeaker(server.url, "eyes-7b", timeout_s=0.2)
    server.enqueue(hang("A dog, ", comments=True))
    pieces = speaker.stream(QUESTION)
    assert next(pieces) == "A dog, "
    time.sleep(0.3)  # the reader's own slowness is no silence of the server
    server.release.set()
    assert list(pieces) == []
    assert speaker.last.finish == "interrupted"
    assert "closed before the answer was whole" in speaker.last.note
    server.release.clear()
    server.enqueue(hang("A dog, "))
    assert ask(speaker) == "A dog, "
    assert (speaker.last.finish, "nothing came for 0.2 s" in speaker.last.note) == ("interrupted", True)


BROKEN = {
    "cut": (b"", "closed before the answer was whole"),
    "no JSON": (b"data: {oops\n\n", "no JSON object: '{oops'"),
    "no object": (b"data: [1]\n\n", "no JSON object"),
    "too deep": (b"data: " + b"[" * 200_000 + b"\n\n", "no JSON object"),
    "too long": (b"data: " + b"x" * (MAX_EVENT + 1), "longer than 1,048,576 bytes"),
    "too many lines": (b"data: x\n" * (MAX_EVENT // 4), "longer than 1,048,576 bytes"),
    "an error": (b'data: {"error": {"message": "out of memory"}}\n\n', "out of memory"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_that_breaks(server, speaker, case):
    junk, reason = BROKEN[case]
    server.enqueue(send(junk), send(f"data: {json.dumps(delta('A dog'))}\n\n".encode(), junk))
    with pytest.raises(SpeakerError) as caught:
        ask(speaker)
    assert reason in str(caught.value)
    assert ask(speaker) == "A dog"
    assert speaker.last.finish == "interrupted"
    assert reason in speaker.last.note


def test_a_body_shorter_than_promised_is_a_cut(server, speaker):
    server.enqueue(send(b"data: [DONE]", Content_Length="999"))
    with pytest.raises(SpeakerError, match="the connection was cut"):
        ask(speaker)
    server.enqueue(send(b"ff\r\ndata: ", Transfer_Encoding="chunked"))
    with pytest.raises(SpeakerError, match="the connection was cut"):
        ask(speaker)


def test_what_breaks_behind_the_end_does_no_harm(server, monkeypatch):
    def linger(handler):
        handler.begin()
        handler.event(delta("A dog.", "stop"))
        handler.server.release.wait(5)

    server.enqueue(
        linger, send(f"data: {json.dumps(delta('A dog.', 'stop'))}\n\n".encode(), b"data: {oops\n\n")
    )
    speaker = EndpointSpeaker(server.url, "eyes-7b", timeout_s=0.2)
    for _ in range(2):
        assert ask(speaker) == "A dog."
        assert (speaker.last.finish, speaker.last.note) == ("stop", "")


def test_a_key_that_the_server_repeats_is_masked(server):
    speaker = EndpointSpeaker(server.url, "eyes-7b", api_key=KEY)
    server.enqueue(*[send(f'data: {{"error": "bad {KEY}"}}\n\n'.encode())] * 2)
    with pytest.raises(SpeakerError, match=r"bad \*\*\*"):
        ask(speaker)


def test_an_endless_answer_is_ended(server, speaker, monkeypatch):
    monkeypatch.setattr(completions, "MAX_ANSWER", 100)
    server.enqueue(babble())
    assert len(ask(speaker)) == 100
    assert "longer than 100 characters" in speaker.last.note
    server.enqueue(babble(""))
    with pytest.raises(SpeakerError, match="more than 1004 events for 1 tokens"):
        ask(speaker, settings=Settings(max_new_tokens=1))


def test_an_answer_without_a_word_is_an_error(server, speaker):
    server.enqueue(say(finish="length"), say(" \n"))
    with pytest.raises(SpeakerError, match="all 160 tokens without a word.*raise max_new_tokens"):
        ask(speaker)
    with pytest.raises(SpeakerError, match="ended without a word"):
        ask(speaker)


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://127.0.0.1/v1", "file:///etc/passwd", "http://", "http://a b/v1", "http://h:x/v1",
     "http://h:99999/v1", "http://h/v1?key=1", "http://h/v1#a", "http://h/v1\r\nX: 1", "", "http://[::1/v1"],
)  # fmt: skip
def test_only_addresses_of_servers_are_taken(url):
    with pytest.raises(InputError, match=r"expected one like http://127.0.0.1:8000/v1"):
        EndpointSpeaker(url, "eyes-7b")


def test_addresses():
    for given, shown in (
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("https://host/v1/chat/completions", "https://host:443/v1"),
        ("http://[::1]:80", "http://[::1]:80"),
    ):
        assert str(Address.parse(given)) == shown
    assert str(EndpointSpeaker("ollama", "eyes").address) == "http://127.0.0.1:11434/v1"
    with pytest.raises(InputError, match=KEY_VARIABLE) as caught:
        Address.parse(f"http://me:{KEY}@host/v1")
    assert KEY not in str(caught.value)
    with pytest.raises(InputError, match="needs the name"):
        EndpointSpeaker("ollama", " ")
    with pytest.raises(InputError, match="timeout_s must be above 0"):
        EndpointSpeaker("ollama", "eyes", timeout_s=0)


def test_there_must_be_a_question(speaker):
    with pytest.raises(InputError, match="no turn"):
        speaker.stream([])
    with pytest.raises(InputError, match="assistant"):
        speaker.stream([*QUESTION, Turn("assistant", "That.")])


# ------------------------------------------------------------------ sounds


@pytest.fixture
def grounder():
    return Grounder(
        fakes.FakeTagger({"dog": 0.9}),
        fakes.FakeDetector({"dog": [((10, 20, 30, 50), 0.9)]}),
        fakes.FakeSegmenter(),
        fakes.FakeListener({"barking": [(0.2, 0.4, 0.9), (0.6, 0.8, 0.9)]}),
        Lexicon.from_dict(fakes.VOCABULARY),
    )


CAPTION = "Heard in the sound of 1.0 s: a dog barking from 0.2 to 0.4 s and from 0.6 to 0.8 s."


def test_a_model_that_takes_no_sound_is_told_what_is_heard(server, speaker, grounder, picture, sound):
    server.enqueue(refuse(400, "At most 0 audio(s) may be provided"), say("I see a dog and hear barking."))
    turns = [Turn("user", "What do you see and hear?", (picture,), (sound,))]
    answer = Assistant(speaker, grounder).reply(turns)
    assert not speaker.takes_sound
    shown, text = server.seen[1]["messages"][0]["content"]
    assert shown["type"] == "image_url"
    assert text["text"] == f"{CAPTION}\n\nWhat do you see and hear?"
    assert answer.metadata["told"] == CAPTION
    assert [answer.text[link.start : link.end] for link in answer.links] == ["a dog", "barking"]
    assert answer.entity(answer.links[1].entity).spans[0].start_s == pytest.approx(0.2)
    assert answer.verdict.value == "match"
    assert answer.timings["listen_s"] > 0
    server.enqueue(say("Yes."))  # from now on it is told at once
    turns += [Turn("assistant", answer.text, answer=answer), Turn("user", "Sure?")]
    Assistant(speaker, grounder).reply(turns)
    assert len(server.seen) == 3
    assert CAPTION in json.dumps(server.seen[2]) and "input_audio" not in json.dumps(server.seen[2])


def test_a_refusal_for_another_reason_is_not_blamed_on_sound(server, speaker, grounder, sound):
    server.enqueue(*[refuse(400, "the conversation is too long")] * 2)
    turns = [Turn("user", "What?", (), (sound,))]
    with pytest.raises(SpeakerError, match="refuses the question.*too long"):
        Assistant(speaker, grounder).reply(turns)
    assert speaker.takes_sound
    server.enqueue(say("A bark."))
    assert "told" not in Assistant(speaker, grounder).reply(turns).metadata
    server.enqueue(refuse(400, "the conversation is too long"))  # it has taken sounds: no second try
    with pytest.raises(SpeakerError, match="too long"):
        Assistant(speaker, grounder).reply(turns)
    assert (speaker.takes_sound, server.queue) == (True, [])


def test_whether_it_takes_sound_can_be_set(server, grounder, sound):
    turns = [Turn("user", "What?", (), (sound,))]
    deaf = EndpointSpeaker(server.url, "eyes-7b", takes_sound=False)
    with pytest.raises(SoundRefusedError, match="takes no sounds"):
        deaf.stream(turns)
    server.enqueue(say("A bark."), refuse(400, "no audio"))
    Assistant(deaf, grounder).reply(turns)
    assert "input_audio" not in json.dumps(server.seen)
    hearing = EndpointSpeaker(server.url, "eyes-7b", takes_sound=True)
    with pytest.raises(SpeakerError, match="no audio"):
        Assistant(hearing, grounder).reply(turns)


def test_without_a_listener_nothing_can_be_told(server, sound):
    deaf = EndpointSpeaker(server.url, "eyes-7b", takes_sound=False)
    with pytest.raises(InputError, match="no listener that could tell it"):
        Assistant(deaf).reply([Turn("user", "What?", (), (sound,))])


def test_a_cut_answer_is_grounded_as_far_as_it_came(server, speaker, grounder, picture):
    server.enqueue(send(f"data: {json.dumps(delta('I see a dog and'))}\n\n".encode()))
    answer = Assistant(speaker, grounder).reply([Turn("user", "What?", (picture,))])
    assert (answer.text, answer.metadata["finish"]) == ("I see a dog and", "interrupted")
    assert "broke off" in answer.metadata["note"]
    assert len(answer.links) == 1


# ------------------------------------------------------------------ as a function, and by name


def test_a_speaker_as_a_function(server, speaker):
    server.enqueue(say("a dog -> ", "dog"))
    said = ask_with(speaker)("Pair them.", [("q", "a")], "query", threading.Event())
    assert said == "a dog -> dog"
    assert [message["content"] for message in server.seen[0]["messages"]] == ["Pair them.", "q", "a", "query"]


def test_it_is_a_public_name():
    assert bubo.EndpointSpeaker is EndpointSpeaker


# ------------------------------------------------------------------ a full context

FULL = [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "the request exceeds the available context size. try increasing the context size",
    "the input length exceeds the context length",
    "prompt too long; exceeded max context length by 904 tokens",
    "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with "
    "context length of only 4096 tokens, which is not enough.",
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
]


def talk(pairs, picture=None):
    turns = [Turn("system", "Be brief.")]
    for number in range(pairs):
        shown = (picture,) if picture is not None and not number else ()
        turns += [Turn("user", f"Q{number}", shown), Turn("assistant", f"A{number}")]
    return [*turns, Turn("user", "Last?")]


@pytest.mark.parametrize("words", FULL)
def test_a_full_context_costs_the_oldest_questions(server, speaker, words, picture):
    server.enqueue(refuse(400, words), refuse(400, words), say("Yes."))
    turns = talk(8, picture)
    assert ask(speaker, turns) == "Yes."
    assert speaker.last.turns_dropped == 8  # two quarters of eight questions with their answers
    texts = [[m["content"] for m in body["messages"]] for body in server.seen]
    assert len(texts[0]) == 18
    assert texts[1][2:] == ["A0", *texts[0][7:]]  # the picture stays as long as possible, with its question
    assert texts[2][0] == "Be brief." and texts[2][2:] == ["A0", *texts[0][11:]]
    server.enqueue(say("No."))
    assert ask(speaker, talk(1)) == "No." and speaker.last.turns_dropped == 0


def test_what_did_not_fit_is_left_out_of_the_next_question_at_once(server, speaker, picture):
    turns = talk(8, picture)
    server.enqueue(refuse(400, FULL[0]), say("Yes."))
    assert ask(speaker, turns) == "Yes." and speaker.last.turns_dropped == 4
    for number in range(3):  # it goes on, and each time one request is enough
        turns = [*turns, Turn("assistant", "Yes."), Turn("user", f"And {number}?")]
        server.enqueue(say("Yes."))
        assert ask(speaker, turns) == "Yes." and speaker.last.turns_dropped == 4
    assert len(server.seen) == 5
    texts = [message["content"] for message in server.seen[-1]["messages"]]
    assert texts[2:5] == ["A0", "Q3", "A3"] and texts[-3:] == ["And 1?", "Yes.", "And 2?"]
    turns = [*turns, Turn("assistant", "Yes."), Turn("user", "More?")]
    server.enqueue(refuse(400, FULL[0]), say("Yes."))  # it is full again: a quarter of what is left goes, too
    assert ask(speaker, turns) == "Yes." and speaker.last.turns_dropped == 4 + 6
    server.enqueue(say("Yes."))
    assert ask(speaker, [*turns[:-1], Turn("user", "Or?")]) == "Yes." and speaker.last.turns_dropped == 10


def test_what_did_not_fit_is_another_conversations_business(server, speaker):
    server.enqueue(refuse(400, FULL[0]), say("Yes."))
    ask(speaker, talk(8))
    assert speaker.last.turns_dropped == 4
    others = [[*talk(8)[:3], Turn("user", "Other"), Turn("assistant", "A"), Turn("user", "Last?")], talk(7)]
    for turns in others:
        server.enqueue(say("Yes."))
        ask(speaker, turns)
        assert speaker.last.turns_dropped == 0


def test_a_question_that_never_fitted_is_no_measure(server, speaker):
    server.enqueue(*[refuse(400, FULL[0])] * 5, say("Yes."))
    with pytest.raises(QuestionError):
        ask(speaker, talk(8))
    assert ask(speaker, talk(8)) == "Yes." and speaker.last.turns_dropped == 0


def test_a_question_that_is_too_long_alone_is_an_error(server, speaker, sound):
    server.enqueue(*[refuse(400, FULL[0])] * 5)
    with pytest.raises(QuestionError, match=r"longer than the context of 'eyes-7b'.*maximum context length"):
        ask(speaker, talk(20))
    assert len(server.seen) == 5 and len(server.seen[-1]["messages"]) == 2
    server.enqueue(refuse(400, FULL[0]))
    with pytest.raises(QuestionError):
        ask(speaker, [Turn("user", "What?", (), (sound,))])
    assert speaker.takes_sound  # that was not the reason


def test_a_full_context_may_be_told_inside_the_stream(server, speaker):
    def late(handler):
        handler.begin()
        handler.event({"error": {"message": FULL[6]}})

    server.enqueue(late, say("Yes."))
    assert ask(speaker, talk(1)) == "Yes."
    assert speaker.last.turns_dropped == 2


def test_turns_dropped_reach_the_answer(server, speaker):
    server.enqueue(refuse(400, FULL[0]), say("Yes."))
    assert Assistant(speaker).reply(talk(1)).metadata["turns_dropped"] == 2
