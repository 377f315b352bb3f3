"""Counts and durations for Prometheus; each server has a registry of its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What is counted. Labels are routes, statuses and steps: never owners, texts or ids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kept = self.registry
        self._requests = Counter(
            "bubo_requests", "Requests answered.", ("method", "route", "status"), registry=kept
        )
        self._request_s = Histogram(
            "bubo_request_seconds",
            "Seconds to the start of a response.",
            ("route",),
            buckets=_SECONDS,
            registry=kept,
        )
        self._answers = Counter("bubo_answers", "Answers that ended.", ("status",), registry=kept)
        self._refused = Counter(
            "bubo_refused", "Questions refused because of limits.", ("code",), registry=kept
        )
        self._first_s = Histogram(
            "bubo_first_token_seconds",
            "Seconds from a question to the first word of its answer, waiting included.",
            buckets=_SECONDS,
            registry=kept,
        )
        self._tokens = Counter("bubo_tokens", "Tokens read and written.", ("kind",), registry=kept)
        self._steps = Histogram(
            "bubo_step_seconds", "Seconds of an answer's steps.", ("step",), buckets=_SECONDS, registry=kept
        )
        self._running = Gauge("bubo_running_answers", "Answers being computed.", registry=kept)
        self._waiting = Gauge("bubo_queue_length", "Questions that wait.", registry=kept)

    def watch(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Tells where the numbers of running and waiting answers come from."""
        self._running.set_function(running)
        self._waiting.set_function(waiting)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_s.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """Counts a question that was refused."""
        self._refused.labels(code).inc()

    def first_token(self, seconds: float) -> None:
        """Notes how long somebody waited for the first word."""
        self._first_s.observe(seconds)

    def answer(self, status: str, tokens_in: int, tokens_out: int, steps: dict[str, float]) -> None:
        """Counts an answer that has ended.

        Args:
            status: How it ended.
            tokens_in: Tokens of the question and all before it.
            tokens_out: Tokens of the answer.
            steps: Seconds by step, as `Answer.timings` has them.
        """
        self._answers.labels(status).inc()
        self._tokens.labels("prompt").inc(tokens_in)
        self._tokens.labels("completion").inc(tokens_out)
        for name, seconds in steps.items():
            self._steps.labels(name.removesuffix("_s")).observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)
