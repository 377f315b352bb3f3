"""Conversations in both databases: trees, titles, pages, undo, and what is foreign."""

import time

import pytest
import serving

from bubo.server.ids import clean_text, is_id, new_id
from bubo.server.problems import NotFoundError, Problem


@pytest.fixture
def store(stores):
    return stores[0]


def ask(store, owner, talk, text="What is this?", parent=None, media=()):
    question = store.add_question(owner, talk.id, parent=parent, text=text, media=media)
    answer = store.add_answer(owner, talk.id, parent=question.id, run_id="run_1", model="nano")
    return question, answer


def test_a_conversation_comes_back_as_it_was(store):
    talk = store.create("ana")
    question, answer = ask(store, "ana", talk, "Where is the ünïcode 🐕?")
    grounding = {"entities": [{"id": "e1", "label": "dog"}], "links": [{"start": 0, "end": 3}]}
    store.update_answer(
        answer.id, text="A dog.", grounding=grounding, status="complete", timings={"total_s": 1.5},
        metadata={"finish": "stop"},
    )  # fmt: skip
    first, second = store.messages("ana", talk.id)
    assert (first.id, first.text, first.role, first.parent) == (question.id, question.text, "user", None)
    assert (second.parent, second.text, second.grounding) == (question.id, "A dog.", grounding)
    assert (second.status, second.run, second.model) == ("complete", "run_1", "nano")
    assert (second.timings, second.metadata) == ({"total_s": 1.5}, {"finish": "stop"})
    assert store.get("ana", talk.id).leaf == answer.id
    assert store.message("ana", answer.id) == second


def test_an_answer_that_has_ended_does_not_begin_again(store):
    talk = store.create("ana")
    _, answer = ask(store, "ana", talk)
    store.update_answer(answer.id, text="all", status="complete")
    ended = store.get("ana", talk.id)
    store.update_answer(answer.id, text="al", status="running")
    kept = store.message("ana", answer.id)
    assert (kept.text, kept.status) == ("all", "complete")
    store.update_answer(answer.id, status="complete", timings={"total_s": 1.0})
    assert store.get("ana", talk.id) == ended


def test_versions_are_siblings_and_the_leaf_can_be_chosen(store):
    talk = store.create("ana")
    question, answer = ask(store, "ana", talk)
    other = store.add_answer("ana", talk.id, parent=question.id, run_id="run_2", model="nano")
    edited, _ = ask(store, "ana", talk, "Otherwise?")
    assert [m.parent for m in store.messages("ana", talk.id)] == [
        None,
        question.id,
        question.id,
        None,
        edited.id,
    ]
    assert store.set_leaf("ana", talk.id, answer.id).leaf == answer.id
    assert store.get("ana", talk.id).leaf == answer.id
    assert other.parent == answer.parent


def test_the_first_question_names_it_until_it_is_renamed(store):
    talk = store.create("ana")
    ask(store, "ana", talk, "word " * 30 + "\n\x1b[31m")
    title = store.get("ana", talk.id).title
    assert len(title) <= 60
    assert title.endswith("…")
    assert store.rename("ana", talk.id, " My\tdog\u202e ").title == "My dog"
    ask(store, "ana", talk, "Another?")
    assert store.get("ana", talk.id).title == "My dog"
    assert store.rename("ana", talk.id, "").title == title


def test_search_finds_titles_and_words_in_any_case_and_takes_signs_as_they_are(store):
    made = store.create("ana", "Ünder 100%")
    other = store.create("ana")
    ask(store, "ana", other, "Is the DOG a_b?")
    assert [t.id for t in store.list("ana", "ÜNDER")] == [made.id]
    assert [t.id for t in store.list("ana", "dog")] == [other.id]
    assert [t.id for t in store.list("ana", "0%")] == [made.id]
    assert [t.id for t in store.list("ana", "a_b")] == [other.id]
    assert store.list("ana", "a%b") == store.list("ben", "dog") == []
    assert len(store.list("ana", "\0 ")) == 0
    assert len(store.list("ana", "  ")) == 2


def test_pages_hold_every_conversation_once(store):
    made = [store.create("ana", f"t{n}").id for n in range(4)]
    seen, before = [], None
    while page := store.list("ana", before=before, limit=3):
        seen += [one.id for one in page]
        before = store.cursor(page[-1])
    assert seen == made[::-1]
    for cursor in ("x", "1.5", "nan_" + "0" * 32, "1e400_" + "0" * 32):
        with pytest.raises(Problem, match="before"):
            store.list("ana", before=cursor)


def test_what_runs_is_marked_when_the_server_starts_again(store):
    talk = store.create("ana")
    _, answer = ask(store, "ana", talk)
    store.update_answer(answer.id, text="half of it")
    assert [one.running for one in store.list("ana")] == [True]
    assert store.mark_interrupted() == 1
    assert store.mark_interrupted() == 0
    kept = store.message("ana", answer.id)
    assert (kept.status, kept.text) == ("interrupted", "half of it")
    assert [one.running for one in store.list("ana")] == [False]


def test_deleting_hides_restoring_brings_back(store):
    talk = store.create("ana")
    ask(store, "ana", talk)
    store.delete("ana", talk.id)
    assert store.list("ana") == []
    for call in (store.get, store.messages, store.delete):
        with pytest.raises(NotFoundError):
            call("ana", talk.id)
    with pytest.raises(NotFoundError):
        store.restore("ben", talk.id)
    assert store.restore("ana", talk.id).id == talk.id
    assert len(store.messages("ana", talk.id)) == 2
    assert store.restore("ana", talk.id).id == talk.id  # once more does nothing


def test_what_is_deleted_longer_ago_is_gone_for_good(store, monkeypatch):
    talk, kept = store.create("ana"), store.create("ana")
    ask(store, "ana", talk)
    store.delete("ana", talk.id)
    assert store.purge() == (0, [])  # not yet
    assert store.restore("ana", talk.id)
    store.delete("ana", talk.id)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 31)
    with pytest.raises(NotFoundError):
        store.restore("ana", talk.id)
    store.purge()
    assert [one.id for one in store.list("ana")] == [kept.id]
    store.update_answer("0" * 32, text="late words of a run that was purged")


def test_purging_takes_the_media_that_nothing_else_uses(stores):
    store, media = stores
    first, second = store.create("ana"), store.create("ana")
    only, shared = (media.add("ana", serving.png(), kept=False) for _ in range(2))
    file = media.add("ana", serving.png())
    ask(store, "ana", first, media=[only.id, shared.id, file.id])
    ask(store, "ana", second, media=[shared.id])
    store.delete("ana", first.id)
    gone = store.purge(older_than_s=0).media
    assert gone == [only.id]
    media.remove_files(gone)
    assert media.get("ana", shared.id) == shared
    assert media.get("ana", file.id) == file
    with pytest.raises(NotFoundError):
        media.get("ana", only.id)


def test_limits(store):
    talks = [store.create("ana") for _ in range(4)]
    with pytest.raises(Problem, match="at most 4") as caught:
        store.create("ana")
    assert caught.value.status == 409
    store.create("ben")
    for _ in range(3):
        question, _ = ask(store, "ana", talks[0])
    with pytest.raises(Problem, match="at most 3 questions") as caught:
        store.add_question("ana", talks[0].id, parent=None, text="one more")
    assert caught.value.code == "conversation_full"
    for _ in range(6):  # versions of answers end, too
        store.add_answer("ana", talks[0].id, parent=question.id, run_id="r", model="m")
    with pytest.raises(Problem, match="12 messages"):
        store.add_answer("ana", talks[0].id, parent=question.id, run_id="r", model="m")


def test_ratings_are_of_answers(store):
    talk = store.create("ana")
    question, answer = ask(store, "ana", talk)
    store.rate("ana", answer.id, -1, "wrong \0 dog")
    kept = store.message("ana", answer.id)
    assert (kept.rating, kept.comment) == (-1, "wrong \N{REPLACEMENT CHARACTER} dog")
    with pytest.raises(Problem, match="Only answers"):
        store.rate("ana", question.id, 1)


def test_a_parent_must_be_there_and_of_the_other_role(store):
    talk, other = store.create("ana"), store.create("ana")
    question, answer = ask(store, "ana", talk)
    foreign, _ = ask(store, "ana", other)
    with pytest.raises(Problem, match="must be an answer"):
        store.add_question("ana", talk.id, parent=question.id, text="?")
    with pytest.raises(Problem, match="must be a question"):
        store.add_answer("ana", talk.id, parent=answer.id, run_id="r", model="m")
    for parent in (foreign.id, "nothing", "0" * 32):
        with pytest.raises(NotFoundError):
            store.add_answer("ana", talk.id, parent=parent, run_id="r", model="m")
        with pytest.raises(NotFoundError):
            store.set_leaf("ana", talk.id, parent)
    assert len(store.messages("ana", talk.id)) == 2  # nothing is left of what failed


def test_everything_of_another_owner_is_not_there(stores):
    store, media = stores
    talk, mine = store.create("ana"), store.create("ben")
    _, answer = ask(store, "ana", talk)
    picture = media.add("ana", serving.png())
    for call in (
        lambda: store.get("ben", talk.id),
        lambda: store.messages("ben", talk.id),
        lambda: store.message("ben", answer.id),
        lambda: store.rename("ben", talk.id, "x"),
        lambda: store.delete("ben", talk.id),
        lambda: store.restore("ben", talk.id),
        lambda: store.set_leaf("ben", talk.id, answer.id),
        lambda: store.rate("ben", answer.id, 1),
        lambda: store.add_question("ben", talk.id, parent=None, text="?"),
        lambda: store.add_question("ben", mine.id, parent=answer.id, text="?"),
        lambda: store.add_question("ben", mine.id, parent=None, text="?", media=[picture.id]),
        lambda: store.add_answer("ben", talk.id, parent=answer.id, run_id="r", model="m"),
        lambda: media.get("ben", picture.id),
        lambda: media.open("ben", picture.id),
        lambda: media.picture("ben", picture.id),
        lambda: media.delete("ben", picture.id),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert [one.id for one in store.list("ben")] == [mine.id]
    assert store.messages("ben", mine.id) == []
    assert media.get_many("ben", [picture.id]) == {}
    assert media.list("ben") == []


def test_hostile_ids_never_reach_the_database(store):
    for hostile in ("", "\0", "../../etc", "' OR 1=1 --", "0" * 33, "g" * 32, "٠" * 32, "0" * 31 + "\n"):
        with pytest.raises(NotFoundError):
            store.get("ana", hostile)
    assert is_id(new_id())


def test_texts_that_databases_refuse_are_kept_readable(store):
    talk = store.create("ana")
    question, answer = ask(store, "ana", talk, "zero\0 half\ud800 end")
    store.update_answer(answer.id, text="\0\udfff", grounding={"label": "\0\ud800"})
    assert [m.text for m in store.messages("ana", talk.id)] == ["zero\ufffd half? end", "\ufffd?"]
    assert clean_text("plain ✓") == "plain ✓"


def test_an_unknown_status_is_a_mistake_of_ours(store):
    with pytest.raises(ValueError, match="status must be one of"):
        store.update_answer("0" * 32, status="finished")
