"""Strings that want to be more than text: in answers, questions, file names, titles and labels."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FILES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload='window.hacked = 1'>",
    "<svg><script>window.hacked = 1</script></svg>",
    "<iframe src='https://evil.example'></iframe>",
    "<iframe srcdoc='<script>parent.hacked = 1</script>'></iframe>",
    "<object data='https://evil.example'></object>",
    "<embed src='https://evil.example'>",
    "<form action='https://evil.example'><input type=submit></form>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>@import 'https://evil.example/x.css'; body { display: none }</style>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<a href='javascript:window.hacked = 1'>press</a>",
    "[press](javascript:window.hacked=1)",
    "[press](JaVaScRiPt:window.hacked=1)",
    "[press](java\tscript:window.hacked=1)",
    "[press](&#106;avascript:window.hacked=1)",
    "[press](vbscript:x)",
    "[press](data:text/html,<script>window.hacked=1</script>)",
    "[press](file:///etc/passwd)",
    "[press](//evil.example)",
    "![picture](https://evil.example/pixel.png)",
    "![picture](javascript:window.hacked=1)",
    "<https://evil.example/<script>>",
    "[a]: https://evil.example\n\n![a]",
    "`<script>window.hacked = 1</script>`",
    "```html\n<script>window.hacked = 1</script>\n```",
    "| a | b |\n|---|---|\n| <script>window.hacked=1</script> | <img src=x onerror=window.hacked=1> |",
    '"><script>window.hacked = 1</script>',
    "'\"><img src=x onerror=window.hacked=1>",
    "${window.hacked = 1}",
    "{{constructor.constructor('window.hacked = 1')()}}",
    "<details open ontoggle='window.hacked = 1'>",
    "<video><source onerror='window.hacked = 1'></video>",
    "<body onpageshow='window.hacked = 1'>",
    "<math><mi xlink:href='javascript:window.hacked=1'>x</mi></math>",
    "\u202eoverride\u202c \u0000 \ufeff \u2028 \u2029",
    "</textarea><script>window.hacked = 1</script>",
    "<template><script>window.hacked = 1</script></template>",
]


def quiet(visitor: Visitor) -> None:
    """Nothing ran, nothing was asked of anybody else, nothing went wrong."""
    page = visitor.page
    assert page.evaluate("window.hacked") is None
    assert visitor.hosts == {visitor.address.split("/")[2]}
    assert visitor.problems == []
    bad = (
        "#log :is(script, img[src*='evil'], iframe, object, embed, form, style, link, base, meta, video, "
        "a[href^='javascript' i], a[href^='data' i])"
    )
    assert page.locator(bad).count() == 0
    made: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('#log *')]"
        ".flatMap((one) => [...one.attributes]).map(({ name }) => name)"
    )
    assert not [name for name in made if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("at", range(0, len(HOSTILE), 10))
def test_hostile_words_of_the_model_and_of_people_are_only_words(visitor: Visitor, at: int):
    for text in HOSTILE[at : at + 10]:
        conversation = visitor.ask(text=f"/say {text}")
        page = visitor.open(conversation)
        expect(page.locator(".answer .text")).to_be_attached()
        expect(page.locator(".side-item a")).not_to_have_count(0)
        for link in page.locator(".answer a").all():
            assert link.get_attribute("rel") == "noopener noreferrer nofollow"
            assert link.get_attribute("href").startswith(("https://", "http://", "mailto:"))
        quiet(visitor)


def test_the_engines_own_hostile_answer(visitor: Visitor):
    page: Any = visitor.open(visitor.ask("picture", text="/hostile"))
    expect(page.locator(".answer .text")).to_contain_text("<script>window.hacked = 1</script>")
    expect(page.locator(".stage-frame")).to_be_visible()
    page.locator(".g[role]").first.hover()
    quiet(visitor)


def test_hostile_names_of_files_and_conversations(visitor: Visitor):
    page = visitor.open()
    name = "<img src=x onerror=window.hacked=1>.png"
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": FILES["picture"][2]()}
    )
    expect(page.locator(".chip.file.ready")).to_contain_text("onerror")
    page.locator("#question").fill("What is here?")
    page.locator("#question").press("Enter")
    expect(page.locator(".g[role]").first).to_be_visible()
    conversation = page.url.rsplit("/", 1)[1]
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": visitor.address}
    visitor.context.request.patch(
        f"{visitor.address}/api/conversations/{conversation}",
        data={"title": HOSTILE[0] + HOSTILE[1]},
        headers=headers,
    )
    page.reload()
    expect(page.locator(".side-item a")).to_have_text(HOSTILE[0] + HOSTILE[1])
    expect(page.locator("#top h1")).to_contain_text("<script>")
    quiet(visitor)


def test_the_policy_of_the_page(visitor: Visitor):
    answer = visitor.page.goto(visitor.address)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
