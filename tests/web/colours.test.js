import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../web/css/base.css", import.meta.url), "utf8");

function tokens(selector) {
  const block = css.split(`${selector} {`)[1].split("}")[0];
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value.trim()]));
}

const light = tokens(":root");
const dark = { ...light, ...tokens(':root[data-theme="dark"]') };

function rgb(theme, value) {
  const named = /^var\(--([\w-]+)\)$/.exec(value);
  if (named) return rgb(theme, theme[named[1]]);
  const digits = value.replace("#", "").replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3");
  assert.match(digits, /^[0-9a-f]{6}$/i, value);
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) / 255);
}

const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}
const mix = (front, back, share) => front.map((part, at) => part * share + back[at] * (1 - share));

function slots(theme, isDark) {
  // the dark theme takes the bright colours everywhere
  assert.ok(css.includes(':root[data-theme="dark"] [class*="slot-"] { --slot: var(--slot-bright); --on-slot: var(--on-slot-dark); }'));
  const light = /\[class\*="slot-"\] \{ --on-slot: (#fff); \}\n((?:\.slot-\d+(?:, )?)+) \{ --on-slot: var\(--on-slot-dark\); \}/.exec(css);
  return Array.from({ length: 12 }, (_, at) => {
    assert.ok(css.includes(`.slot-${at} { --slot: var(--c${at}); --slot-bright: var(--b${at}); }`), `slot ${at}`);
    const on = isDark || light[2].split(", ").includes(`.slot-${at}`) ? "var(--on-slot-dark)" : light[1];
    return { at, colour: rgb(theme, `var(--${isDark ? "b" : "c"}${at})`), on: rgb(theme, on), bright: rgb(theme, `var(--b${at})`) };
  });
}

for (const [name, theme, isDark] of [["light", light, false], ["dark", dark, true]]) {
  test(`${name}: text and quiet text can be read on every ground`, () => {
    for (const ground of ["ground", "surface", "raised", "sunken", "hover", "accent-soft", "danger-soft"]) {
      assert.ok(contrast(rgb(theme, theme.text), rgb(theme, theme[ground])) >= 7, `text on ${ground}`);
    }
    for (const ground of ["ground", "surface", "sunken"]) {
      assert.ok(contrast(rgb(theme, theme.muted), rgb(theme, theme[ground])) >= 4.5, `muted on ${ground}`);
      assert.ok(contrast(rgb(theme, theme.accent), rgb(theme, theme[ground])) >= 4.5, `accent on ${ground}`);
      assert.ok(contrast(rgb(theme, theme.danger), rgb(theme, theme[ground])) >= 4.5, `danger on ${ground}`);
    }
    assert.ok(contrast(rgb(theme, theme["on-accent"]), rgb(theme, theme.accent)) >= 4.5);
    assert.ok(contrast(rgb(theme, theme["line-strong"]), rgb(theme, theme.surface)) >= 3, "edges of fields");
  });

  test(`${name}: the twelve colours of evidence`, () => {
    const share = (value) => parseFloat(value) / 100;
    for (const { at, colour, on, bright } of slots(theme, isDark)) {
      for (const ground of ["ground", "surface"]) {
        const back = rgb(theme, theme[ground]);
        assert.ok(contrast(colour, back) >= 3, `underline ${at} on ${ground}: ${contrast(colour, back).toFixed(2)}`);
        for (const tint of ["tint", "tint-strong"]) {
          const tinted = mix(colour, back, share(theme[tint]));
          assert.ok(contrast(rgb(theme, theme.text), tinted) >= 4.5, `phrase ${at} on ${tint}`);
        }
      }
      assert.ok(contrast(on, colour) >= 4.5, `number ${at}: ${contrast(on, colour).toFixed(2)}`);
      assert.ok(contrast(rgb(theme, "var(--on-slot-dark)"), bright) >= 4.5, `number ${at} on a picture`);
    }
  });

  test(`${name}: no two colours look alike, to colour-blind people neither`, () => {
    // Machado, Oliveira and Fernandes 2009, for red, green and blue; on linear light
    const views = [
      [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
      [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
      [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
      [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    ];
    const all = slots(theme, isDark);
    for (const view of views) {
      const seen = all.map(({ colour }) => oklab(view.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, at) => sum + weight * linear(colour[at]), 0))))));
      for (let a = 0; a < 12; a += 1) {
        for (let b = 0; b < a; b += 1) {
          const distance = Math.hypot(...seen[a].map((part, at) => part - seen[b][at]));
          assert.ok(distance >= 0.04, `${a} and ${b}: ${distance.toFixed(3)}`);
        }
      }
    }
  });
}

function oklab([r, g, b]) {
  const [l, m, s] = [0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
    0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b].map(Math.cbrt);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
