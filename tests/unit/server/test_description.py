"""The description of the API: names, the answers that every route may give, and links that lead somewhere."""

import re

import pytest
import serving


@pytest.fixture
def described(app):
    return app.openapi()


def operations(described):
    return [one for path in described["paths"].values() for one in path.values()]


def links(described):
    """Source operation, its response, the link and its target."""
    by_name = {one["operationId"]: one for one in operations(described)}
    for source in by_name.values():
        for response in source["responses"].values():
            for link in response.get("links", {}).values():
                yield source, response, link, by_name[link["operationId"]]


def values(given):
    """All texts within a link's body."""
    if isinstance(given, dict):
        given = list(given.values())
    return [one for part in given for one in values(part)] if isinstance(given, list) else [given]


def at(schema, pointer, described):
    """Whether a JSON pointer leads to something that a schema tells of."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    head, _, rest = pointer.lstrip("/").partition("/")
    if not head:
        return True
    if "anyOf" in schema:
        return any(at(one, pointer, described) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return head.isdigit() and at(schema["items"], rest, described)
    if schema.get("additionalProperties") is True:  # anything may be in there
        return True
    return head in schema.get("properties", {}) and at(schema["properties"][head], rest, described)


def test_operations_have_short_names_of_their_own(described):
    names = [one["operationId"] for one in operations(described)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names
    assert {"start_run", "get_media_content", "get_file_content"} <= set(names)


def test_every_operation_tells_what_it_may_answer_before_its_route_is_reached(described):
    for operation in operations(described):
        assert "421" in operation["responses"], operation["operationId"]
        assert ("requestBody" not in operation) or "413" in operation["responses"], operation["operationId"]


def test_files_may_be_had_in_parts(described, visitor):
    served = [one for one in described["paths"] if one.endswith(("content", "thumbnail", "{name}"))]
    assert len(served) == 4
    for path in served:
        assert {"200", "206", "416"} <= set(described["paths"][path]["get"]["responses"]), path
    example = visitor.get("/api/examples").json()[0]["media"][0]["url"]
    file = visitor.post("/v1/files", files={"file": ("a.png", serving.png())}).json()["id"]
    for address in (example, f"/v1/files/{file}/content"):
        assert visitor.get(address, headers={"Range": "bytes=0-9"}).status_code == 206


def test_links_are_taken_from_answers_and_lead_to_parameters(described):
    found = list(links(described))
    assert len(found) > 40
    for source, response, link, target in found:
        taken = {one["name"] for one in target.get("parameters", ())}
        assert set(link.get("parameters", {})) <= taken, link
        assert "requestBody" not in link or "requestBody" in target, link
        expressions = [*link.get("parameters", {}).values(), *values(link.get("requestBody", {}))]
        expressions = [one for one in expressions if isinstance(one, str) and one.startswith("$")]
        assert expressions, link
        for expression in expressions:
            place, _, pointer = expression.partition("#")
            if place == "$response.body":
                schema = response["content"]["application/json"]["schema"]
                assert at(schema, pointer, described), (source["operationId"], expression)
            else:
                given = {one["name"] for one in source["parameters"] if one["in"] == "path"}
                assert place.removeprefix("$request.path.") in given, expression


def test_whatever_takes_an_id_is_led_to(described):
    led = {link["operationId"] for _, _, link, _ in links(described)}
    for path, methods in described["paths"].items():
        for operation in methods.values():
            if "{" in path:
                assert operation["operationId"] in led, path


@pytest.mark.parametrize(("pointer", "there"), [("/id", True), ("/nothing", False), ("/messages/0/id", True)])
def test_places_of_answers_are_looked_up(described, pointer, there):
    schema = {"$ref": "#/components/schemas/ConversationWithMessages"}
    assert at(schema, pointer, described) is there
