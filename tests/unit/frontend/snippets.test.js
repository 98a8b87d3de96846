import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { call } from "../../../marketplace/frontend/js/snippets.js";
import { open, start } from "./page.js";

/** The component of a page that shows this call. */
function shown(source) {
  open(`<div id="root" data-base-url="https://market.test" data-source="call"></div>
    <script type="application/json" id="call">${JSON.stringify({ model: "lumen/hero", ...source })}</script>`);
  return start(call);
}

/** What a shell passes to curl: its arguments and its input, with `curl` and the file's bytes replaced by ours. */
function passed(text) {
  const script = `curl() { for one in "$@"; do [ "$one" = @- ] && cat || printf '%s\\n' "$one"; done; }
    base64() { printf 'QUJD\\n'; cat >/dev/null; }\n${text.replace("< image.png", "< /dev/null")}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8", env: { BOURSE_API_KEY: "key" } });
}

test("a shell passes curl the body as it is, quotes and all", () => {
  const input = { prompt: 'a heart, it\'s "red" $HOME `date` \\', steps: 4 };
  const output = passed(shown({ input }).curlText);
  assert.deepEqual(JSON.parse(output.slice(output.indexOf("-d\n") + 3)), { input });
  assert.match(output, /^https:\/\/market\.test\/v1\/models\/lumen\/hero\/predictions\n/);
});

test("a picture is written into the body between the texts around it", () => {
  const output = passed(shown({ input: { prompt: "it's red", image: "/files/1" }, files: ["image"] }).curlText);
  const body = JSON.parse(output.slice(output.indexOf("-d\n") + 3));
  assert.deepEqual(body, { input: { image: "data:image/png;base64,QUJD", prompt: "it's red" } });
});

test("Python has its own words for true, false and nothing", () => {
  const { pythonText } = shown({ input: { tiled: true, safe: false, mask: null, prompt: "x" } });
  for (const line of ['"tiled": True,', '"safe": False,', '"mask": None,', '"prompt": "x",']) {
    assert.ok(pythonText.includes(`    ${line}\n`), line);
  }
  assert.ok(pythonText.endsWith("for picture in output:\n    print(picture)"));
});

test("a model that answers with a value has it printed", () => {
  assert.ok(shown({ input: {}, value: true }).pythonText.endsWith("print(output)"));
});

test("files are opened in Python and read in JavaScript", () => {
  const { pythonText, javascriptText } = shown({ input: { image: "/files/1" }, files: ["image"] });
  assert.ok(pythonText.includes('"image": open("image.png", "rb"),'));
  assert.ok(javascriptText.startsWith('import { readFile } from "node:fs/promises";'));
  assert.ok(javascriptText.includes('"image": await readFile("image.png"),'));
});
