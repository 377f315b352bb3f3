"""/docs: the API as a page without scripts, made from its description."""

import html
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["DOCS_STYLE", "docs_page"]

#: Its looks, beside those of the page.
DOCS_STYLE = """
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: break-word; }
h2 { margin-top: 2.5rem; }
h3 { margin: 1.75rem 0 .5rem; }
table { width: 100%; margin-top: 1rem; border-collapse: collapse; }
th, td { padding: .45rem .75rem .45rem 0; text-align: start; vertical-align: top; }
td { border-top: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; }
td:nth-child(-n + 2) { font-family: var(--mono); font-size: .85rem; line-height: 1.9; }
main > table > tbody > tr > td:nth-child(-n + 2), th { white-space: nowrap; }
summary { width: max-content; color: var(--accent); cursor: pointer; }
details table, h3 + table { margin: 0 0 1rem; font-size: .9rem; }
@media (max-width: 760px) {
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { padding: .5rem 0; border-top: 1px solid var(--line); }
  td, main > table > tbody > tr > td:nth-child(n) { padding: 0; border: 0; white-space: normal; }
}
"""


def docs_page(schema: Mapping[str, Any]) -> str:
    """The API's schema as HTML without scripts: first what other programs use, then what the page does."""
    objects = schema.get("components", {}).get("schemas", {})
    rows = []
    for path, methods in sorted(
        schema.get("paths", {}).items(), key=lambda one: not one[0].startswith("/v1/")
    ):
        for method, about in methods.items():
            words = [method.upper(), path, about.get("description") or about.get("summary", "")]
            cells = "</td><td>".join(html.escape(str(word)) for word in words)
            fields = _fields_of(about, objects)
            more = f"<details><summary>Fields</summary>{_table(fields)}</details>" if fields else ""
            rows.append(f"<tr><td>{cells}{more}</td></tr>")
    title = html.escape(f"{schema['info']['title']} {schema['info']['version']}")
    sections = "".join(
        f'<h3 id="{html.escape(name)}">{html.escape(name)}</h3>{_table(_properties(one))}'
        for name, one in objects.items()
        if one.get("properties")
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="/assets/css/base.css">'
        '<link rel="stylesheet" href="/docs.css"></head><body><main>'
        f'<h1>{title}</h1><p>The schema as JSON: <a href="/openapi.json">/openapi.json</a>.</p>'
        "<table><thead><tr><th>Method</th><th>Address</th><th>What it does</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><h2>Objects</h2>{sections}</main></body></html>"
    )


def _fields_of(about: Mapping[str, Any], objects: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    """Names, schemas and whether they are required: of a route's parameters and of its body."""
    fields = [
        (f"{one['name']} ({one['in']})", one.get("schema", {}), one.get("required", False))
        for one in about.get("parameters", [])
    ]
    for kind in about.get("requestBody", {}).get("content", {}).values():
        body = kind.get("schema", {})
        fields += _properties(objects.get(_name_of(body), body))
    return fields


def _properties(schema: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    required = schema.get("required", [])
    return [(name, one, name in required) for name, one in schema.get("properties", {}).items()]


def _name_of(schema: Mapping[str, Any]) -> str:
    """What a reference within the schema refers to; empty if it is none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _table(fields: list[tuple[str, Any, bool]]) -> str:
    rows = []
    for name, schema, required in fields:
        default = (
            html.escape(json.dumps(schema["default"], ensure_ascii=False)) if "default" in schema else ""
        )
        cells = (
            html.escape(name),
            _type(schema),
            "required" if required else default,
            html.escape(schema.get("description", "")),
        )
        rows.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    head = "<tr><th>Field</th><th>Type</th><th>Default</th><th>Meaning</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _type(schema: Mapping[str, Any]) -> str:
    """What may stand in a field, in words; objects are links to where they are described."""
    if name := html.escape(_name_of(schema)):
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema or "const" in schema:
        return html.escape(" or ".join(json.dumps(one) for one in schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return html.escape(str(schema.get("type", "anything")))
