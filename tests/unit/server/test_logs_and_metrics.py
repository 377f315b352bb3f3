"""What whoever runs the server gets to see: everything but what people say."""

import io
import json
import logging

import pytest

from bubo.server.logs import JsonLines
from bubo.server.metrics import Metrics


@pytest.fixture
def lines() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream


def test_a_record_is_one_line_of_json(lines: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = lines
    logger.info("two\nlines %s", "é", extra={"route": "/v1/models", "status": 200, "secret": "no"})
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert found["message"] == "two\nlines é" and found["level"] == "info"
    assert (found["route"], found["status"]) == ("/v1/models", 200) and "secret" not in found
    assert found["time"].endswith("Z")


def test_an_exception_leaves_its_text_out(lines: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = lines
    try:
        raise ValueError("what somebody asked")
    except ValueError as error:
        logger.error("An answer failed", exc_info=error)
    found = json.loads(stream.getvalue())
    assert found["error"] == "ValueError" and found["where"][-1].startswith("test_logs_and_metrics.py:")
    assert "somebody" not in stream.getvalue()


def test_what_is_counted() -> None:
    metrics = Metrics()
    metrics.watch(lambda: 3, lambda: 7)
    metrics.request("GET", "/v1/models", 200, 0.01)
    metrics.refused("queue_full")
    metrics.first_token(0.2)
    metrics.answer("complete", 10, 4, {"segment_s": 0.3})
    text = metrics.text().decode()
    for line in (
        'bubo_requests_total{method="GET",route="/v1/models",status="200"} 1.0',
        'bubo_refused_total{code="queue_full"} 1.0',
        "bubo_first_token_seconds_count 1.0",
        'bubo_tokens_total{kind="completion"} 4.0',
        'bubo_tokens_total{kind="prompt"} 10.0',
        'bubo_step_seconds_count{step="segment"} 1.0',
        "bubo_running_answers 3.0",
        "bubo_queue_length 7.0",
    ):
        assert line in text


def test_servers_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.refused("queue_full")
    assert "queue_full" not in two.text().decode()
