import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { duration, filesize } from "../../../marketplace/frontend/js/format.js";

// The server's template filters are held to the same table (test_figures.py).
const figures = JSON.parse(readFileSync(new URL("figures.json", import.meta.url), "utf8"));

for (const [seconds, text] of figures.duration) {
  test(`${seconds} seconds are ${text}`, () => assert.equal(duration(seconds), text));
}
for (const [size, text] of figures.filesize) {
  test(`${size} bytes are ${text}`, () => assert.equal(filesize(size), text));
}
