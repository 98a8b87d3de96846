import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { duration, filesize, microOf, money } from "../../../marketplace/frontend/js/format.js";

// The server's template filters are held to the same table (test_figures.py).
const figures = JSON.parse(readFileSync(new URL("figures.json", import.meta.url), "utf8"));

for (const [micro, currency, text] of figures.money) {
  test(`${micro} micro-units of ${currency} are ${text}`, () => assert.equal(money(micro, currency), text));
}
for (const [seconds, text] of figures.duration) {
  test(`${seconds} seconds are ${text}`, () => assert.equal(duration(seconds), text));
}
for (const [size, text] of figures.filesize) {
  test(`${size} bytes are ${text}`, () => assert.equal(filesize(size), text));
}

test("an amount that is not known is left empty", () => {
  assert.equal(money(null), "");
  assert.equal(money(undefined), "");
});

test("an amount is exact beyond what a double holds", () => {
  assert.equal(money("9007199254740993"), "$9,007,199,254.740993");
});

test("the decimal text of a receipt is read as micro-units", () => {
  assert.equal(microOf("0.004000"), 4000);
  assert.equal(microOf("12.345678"), 12_345_678);
});
