"""Sounds: spans light with their phrases, play alone and stop at their end; nothing plays by itself."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_stage import lit, phrase, place

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STATE = "(audio) => ({ time: audio.currentTime, paused: audio.paused, ready: audio.readyState })"


def audio(page: Any) -> dict[str, Any]:
    """Where the sound is, and whether it plays."""
    state: dict[str, Any] = page.locator(".wave audio").evaluate(STATE)
    return state


def watch(page: Any) -> None:
    """Notes the least and greatest time that is heard while the sound plays."""
    page.locator(".wave audio").evaluate("""(audio) => {
      window.heard = [];
      audio.addEventListener("play", () => {
        const note = () => {
          if (audio.paused) return;
          heard.push(audio.currentTime);
          requestAnimationFrame(note);
        };
        note();
      });
    }""")


def play_to_the_end(page: Any) -> tuple[float, float]:
    """Waits until it plays and has stopped again; the seconds that were heard."""
    expect(page.locator(".wave.is-playing")).to_have_count(1)
    expect(page.locator(".wave.is-playing")).to_have_count(0, timeout=20_000)
    heard = page.evaluate("() => [Math.min(...heard), Math.max(...heard)]")
    return heard[0], heard[1]


def test_one_entity_lights_its_mask_and_its_span(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    phrase(page, "brown dog").hover()
    assert lit(page) == ["e1"]
    expect(page.locator(".wave-band.is-lit[data-entity=e1]")).to_have_count(1)
    expect(page.locator(".wave-band.is-lit")).to_have_count(1)
    phrase(page, "waves").hover()
    expect(page.locator(".wave-band.is-lit[data-entity=e4]")).to_have_count(1)
    assert lit(page) == []
    page.locator(".wave-span[data-entity=e1]").hover()
    expect(page.locator(".g[data-entity=e1].lit")).to_have_count(2)
    assert lit(page) == ["e1"]
    page.mouse.move(2, 2)
    expect(page.locator(".wave-band.is-lit")).to_have_count(0)
    assert audio(page)["paused"] and audio(page)["time"] == 0, "hovering never plays"


def test_a_span_plays_alone_and_stops_at_its_end(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    watch(page)
    page.locator(".wave-span[data-entity=e4]").click()
    first, last = play_to_the_end(page)
    assert 2.45 <= first <= 2.9 and 3.3 <= last <= 3.75, (first, last)
    assert audio(page)["time"] == pytest.approx(3.5, abs=0.05)


def test_a_phrase_plays_what_is_heard_of_it_and_its_mask_pulses(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    watch(page)
    phrase(page, "the dog").click()
    expect(page.locator(".lit-region.is-sounding[data-entity=e1]")).to_have_count(1)
    first, last = play_to_the_end(page)
    assert 0.45 <= first <= 0.9 and 1.3 <= last <= 1.75, (first, last)
    expect(page.locator(".is-sounding")).to_have_count(0)


def test_a_click_in_the_wave_plays_a_span_or_moves_there(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    box = page.locator(".wave-track").bounding_box()
    at = lambda second: (box["x"] + box["width"] * second / 4, box["y"] + 20)  # noqa: E731
    page.mouse.click(*at(2.0))
    assert audio(page)["paused"]
    assert audio(page)["time"] == pytest.approx(2.0, abs=0.05)
    watch(page)
    page.mouse.click(*at(3.2))
    first, last = play_to_the_end(page)
    assert first >= 2.45 and last <= 3.75


def test_keys_move_play_and_pause(visitor: Visitor) -> None:
    page = visitor.see("sound")
    track = page.locator(".wave-track")
    track.focus()
    page.keyboard.press("End")
    expect(track).to_have_attribute("aria-valuenow", "4.0")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(track).to_have_attribute("aria-valuenow", "1.0")
    expect(track).to_have_attribute("aria-valuetext", "0:01.0 of 0:04.0")
    page.keyboard.press("Space")
    expect(page.locator(".wave.is-playing")).to_have_count(1)
    page.keyboard.press("Space")
    expect(page.locator(".wave.is-playing")).to_have_count(0)
    assert audio(page)["time"] >= 1.0
    page.get_by_role("button", name="Mute").click()
    assert page.locator(".wave audio").evaluate("(audio) => audio.muted")


def test_a_sound_alone_needs_no_picture(visitor: Visitor) -> None:
    page = visitor.see("sound")
    expect(page.locator(".stage-frame")).to_be_hidden()
    expect(page.locator(".wave-shape").first).to_have_attribute("d", re.compile(r"^M0 "))
    expect(page.locator(".wave-span")).to_have_count(2)
    assert visitor.problems == []


def test_a_picture_click_does_not_start_the_sound(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    page.mouse.click(*place(page, (150, 200)))
    assert audio(page)["paused"]
