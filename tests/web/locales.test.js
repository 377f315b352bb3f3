import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bytes, clock, has, number, setWords, t } from "../../web/js/i18n.js";

const WEB = new URL("../../web/", import.meta.url);
const read = (path) => readFileSync(new URL(path, WEB), "utf8");
const tables = { en: JSON.parse(read("locales/en.json")), es: JSON.parse(read("locales/es.json")) };
const sources = readdirSync(new URL("js/", WEB)).filter((name) => name.endsWith(".js")).map((name) => [name, read(`js/${name}`)]);

function flat(table, path = "") {
  return Object.entries(table).flatMap(([key, value]) => (typeof value === "string" ? [[path + key, value]] : flat(value, `${path}${key}.`)));
}

const withoutComments = (source) => source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");

test("both languages have the same keys with the same values in them", () => {
  const [english, spanish] = [new Map(flat(tables.en)), new Map(flat(tables.es))];
  assert.deepEqual([...english.keys()].sort(), [...spanish.keys()].sort());
  for (const [key, text] of english) {
    const names = (words) => (words.match(/\{\w+\}/g) ?? []).sort();
    assert.deepEqual(names(spanish.get(key)), names(text), key);
    assert.ok(spanish.get(key).trim() && text.trim(), key);
  }
});

test("every key that is asked for has words", () => {
  setWords("en", tables.en);
  const missing = [];
  for (const [name, source] of sources) {
    for (const [, key] of withoutComments(source).matchAll(/(?:\bt\(|key: )"([a-z_]+\.[a-z_.]+)"/g)) {
      if (!has(key)) missing.push(`${name}: ${key}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("no words for people stand in the modules", () => {
  const found = [];
  for (const [name, source] of sources) {
    const code = withoutComments(source).replace(/throw new Error\(.*\)/g, "");
    for (const [, text] of code.matchAll(/"([^"\n]*)"/g)) {
      const words = text.split(" ").filter((word) => /^[A-Z]?[a-z]{2,}[,.]?$/.test(word));
      if (/^[A-Z][a-z]+ [a-z]+ [a-z]+/.test(text) || (words.length > 3 && /[.!?]$/.test(text))) found.push(`${name}: ${text}`);
    }
    for (const [, attribute, text] of code.matchAll(/(title|placeholder|"aria-label"|alt): "([^"]+)"/g)) found.push(`${name}: ${attribute} ${text}`);
  }
  assert.deepEqual(found, []);
});

test("nothing makes HTML or code out of text, and no style comes from data", () => {
  const banned = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|setAttribute\("style"|[{ ]style: (?!"(?:unit|percent)")|https?:\/\/(?!www\.w3\.org)/;
  for (const [name, source] of sources) assert.doesNotMatch(withoutComments(source), banned, name);
  const page = read("index.html");
  assert.doesNotMatch(page, /<script(?![^>]*src=)|<style|style=|\son\w+=|https?:/);
});

test("numbers, sizes and times are written the language's way", () => {
  setWords("en", tables.en);
  assert.equal(number(1234.5), "1,234.5");
  assert.equal(bytes(2_400_000), "2.4 MB");
  assert.equal(clock(63.04, true), "1:03.0");
  assert.equal(t("chat.said_finished", { count: 1 }), "Answer finished, 1 linked phrase.");
  setWords("es", tables.es);
  assert.equal(number(0.5), "0,5");
  assert.equal(t("chat.said_finished", { count: 4 }), "Respuesta terminada, 4 frases enlazadas.");
});
