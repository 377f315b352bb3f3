"""Headers, origins, hosts, sizes and rates."""

import asyncio

import pytest
import serving

from bubo.server.rate_limits import Buckets
from bubo.server.security import content_policy

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@pytest.mark.parametrize(
    "path", ["/", "/c/nothing", "/assets/index.html", "/nothing", "/api/session", "/health"]
)
def test_every_response_has_the_headers(visitor, path):
    headers = visitor.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"] == "microphone=(self), camera=()"
    assert headers["x-frame-options"] == "DENY"
    assert len(headers["x-request-id"]) == 16


def test_who_may_frame_the_page_is_a_setting(tmp_path):
    client = serving.visitor(serving.make_app(tmp_path / "d", frame_ancestors="https://example.org"))
    headers = client.get("/").headers
    assert headers["content-security-policy"] == content_policy("https://example.org")
    assert "x-frame-options" not in headers


def test_a_given_request_id_comes_back_if_it_is_harmless(visitor):
    assert visitor.get("/health", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert visitor.get("/health", headers={"X-Request-Id": b"a b\xe9"}).headers["x-request-id"].isalnum()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Origin": "http://testserver"}, 201),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://testserver.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[broken"}, 403),
    ],
)
def test_other_sites_cannot_change_anything(visitor, headers, status):
    answer = visitor.post("/api/conversations", json={}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "cross_origin"
        assert visitor.get("/api/conversations").json()["conversations"] == []
        assert visitor.get("/api/session", headers=headers).status_code == 200  # reading changes nothing


def test_other_sites_cannot_make_it_compute_either(visitor):
    body = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}
    refused = visitor.post("/v1/chat/completions", json=body, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403


def test_names_that_point_here_without_our_knowledge_are_refused(tmp_path):
    client = serving.visitor(serving.make_app(tmp_path / "d", hosts=("localhost", "[::1]")))
    for host, status in (
        ("localhost", 200), ("localhost:8000", 200), ("LOCALHOST", 200), ("[::1]:8000", 200),
        ("evil.example", 421), ("localhost.evil.example:80", 421), ("", 421),
    ):  # fmt: skip
        assert client.get("/api/session", headers={"Host": host}).status_code == status, host
        for method in ("GET", "HEAD"):  # whatever watches it
            assert client.request(method, "/health", headers={"Host": host}).status_code == 200


@pytest.fixture
def small(tmp_path):
    with serving.visitor(serving.make_app(tmp_path / "d", {"body_bytes": 20_000})) as client:
        yield client


def test_too_large_a_body_is_refused_by_what_its_header_says(small):
    answer = serving.upload(small, bytes(30_000))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert "at most 0.02 MB" in answer.json()["error"]["message"]
    assert serving.upload(small).status_code == 201


@pytest.mark.parametrize("path", ["/api/media", "/api/conversations", "/v1/chat/completions", "/v1/files"])
def test_a_body_is_counted_while_it_comes(small, path):
    kind = "multipart/form-data; boundary=x" if path in ("/api/media", "/v1/files") else "application/json"
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'

    def pieces():
        yield head if "form" in kind else b'{"title": "'
        for _ in range(40):
            yield b"a" * 1_000

    answer = small.post(path, content=pieces(), headers={"Content-Type": kind})
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413, answer.text
    assert answer.json()["error"]["code"] == "too_large"


def test_no_more_than_the_limit_is_ever_handed_on():
    from bubo.server.body_limit import BodyLimit

    handed = []

    async def app(scope, receive, send):
        while True:
            handed.append(len((await receive())["body"]))

    sent = iter([{"type": "http.request", "body": b"x" * 60, "more_body": True}] * 5)
    answers = []

    async def receive():
        return next(sent, {"type": "http.disconnect"})

    async def send(message):
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(BodyLimit(app, 100)(scope, receive, send))
    assert handed == [60]
    assert answers[0]["status"] == 413


def test_a_bucket_fills_by_the_minute():
    now = [0.0]
    bucket = Buckets(60, lambda: now[0])
    assert [bucket.take("ana") for _ in range(60)] == [0.0] * 60
    assert bucket.take("ana") == pytest.approx(1.0)
    assert bucket.take("ben") == 0.0
    now[0] = 1.0
    assert bucket.take("ana") == 0.0
    assert bucket.take("ana") > 0
    now[0] = 1000.0
    assert [bucket.take("ana") for _ in range(61)][-2:] == [0.0, pytest.approx(1.0)]


def test_too_many_requests_are_told_when_to_come_again(tmp_path):
    app = serving.make_app(tmp_path / "d", {"requests_per_minute": 5})
    client = serving.TestClient(app, client=("10.0.0.1", 1))
    answers = [client.get("/api/session") for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    refused = answers[-1]
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert refused.json()["error"]["retryable"] is True
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert refused.headers["content-security-policy"] == POLICY
    assert client.get("/").status_code == 200  # the page itself can always be loaded
    assert client.get("/health").status_code == 200
    assert serving.TestClient(app, client=("10.0.0.2", 1)).get("/api/session").status_code == 200
    first = serving.TestClient(app, client=("2001:db8::1", 1))
    assert [first.get("/api/session").status_code for _ in range(5)] == [200] * 5
    assert serving.TestClient(app, client=("2001:db8::2", 1)).get("/api/session").status_code == 429


def test_guessing_is_slowed_down_and_uploads_are_counted(tmp_path):
    limits = {"logins_per_minute": 3, "uploads_per_minute": 2}
    token = serving.make_app(tmp_path / "t", limits, auth="token", token="x" * 20)
    client = serving.TestClient(token)
    tries = [client.post("/api/session", json={"token": "no"}).status_code for _ in range(5)]
    assert tries == [401, 401, 401, 429, 429]
    assert client.post("/api/session", json={"token": "x" * 20}).status_code == 429
    counted = client.get("/metrics").text
    for status, number in ((401, 3), (429, 3)):  # also of what is refused before its route is reached
        assert f'{{method="POST",route="/api/session",status="{status}"}} {number}.0' in counted
    anyone = serving.visitor(serving.make_app(tmp_path / "a", limits))
    assert [serving.upload(anyone).status_code for _ in range(3)] == [201, 201, 429]


def test_errors_have_one_shape_and_tell_nothing_of_the_inside(tmp_path):
    app = serving.make_app(tmp_path / "d")
    client = serving.visitor(app, raise_server_exceptions=False)
    for answer, status, code in (
        (client.get("/nothing"), 404, "not_found"),
        (client.put("/api/session"), 405, "method_not_allowed"),
        (client.post("/api/conversations", json={"titel": "x"}), 422, "invalid_request"),
        (client.post("/api/conversations", content=b"{"), 422, "invalid_request"),
        (client.get("/api/conversations?limit=0"), 422, "invalid_request"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert set(answer.json()["error"]) == {"message", "type", "code", "param", "retryable"}
    assert client.get("/api/conversations?limit=0").json()["error"]["param"] == "limit"

    def broken(*_, **__):
        raise RuntimeError("secret inside")

    app.state.services.conversations.list = broken
    crashed = client.get("/api/conversations")
    assert (crashed.status_code, crashed.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in crashed.text
    assert crashed.headers["content-security-policy"] == POLICY
    assert crashed.headers["x-content-type-options"] == "nosniff"
    assert crashed.headers["x-request-id"] in crashed.json()["error"]["message"]
    assert 'route="/api/conversations",status="500"} 1.0' in client.get("/metrics").text
