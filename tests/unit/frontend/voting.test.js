import assert from "node:assert/strict";
import { test } from "node:test";
import { voting } from "../../../marketplace/frontend/js/voting.js";
import { json, key, open, start } from "./page.js";

const PAIR = { key: "p1", prompt: "a red heart", left: "/l.webp", right: "/r.webp" };
const BALLOT = { done: 1, total: 4, current: PAIR, upcoming: null, undo: "p0" };
const DONE = { done: 4, total: 4, current: null, upcoming: null, undo: "p1" };

/** A voting page whose market answers with `answer`; what it was sent is kept. */
function page(answer = () => json(DONE)) {
  const sent = [];
  const body = `<div id="root" data-vote-url="/vote" data-undo-url="/undo">
    <input name="csrfmiddlewaretoken" value="token"><textarea id="reason"></textarea></div>
    <script type="application/json" id="ballot">${JSON.stringify(BALLOT)}</script>`;
  open(body, {
    answer: (address, { headers, body }) => {
      sent.push({ address, token: headers["X-CSRFToken"], ...JSON.parse(body) });
      return answer();
    },
  });
  return { component: start(voting), sent };
}

const settled = () => new Promise(setImmediate);

for (const [name, answer] of [
  ["ArrowLeft", "left"],
  ["ArrowRight", "right"],
  ["ArrowDown", "tie"],
  ["T", "tie"],
  ["b", "both_bad"],
  ["s", "skip"],
]) {
  test(`${name} answers ${answer}`, async () => {
    const { component, sent } = page();

    const event = key(name);
    await settled();

    assert.deepEqual(sent, [{ address: "/vote", token: "token", pair: "p1", answer, reason: "" }]);
    assert.equal(event.defaultPrevented, true);
    assert.equal(component.finished, true);
  });
}

test("keys with a modifier, held keys and keys typed into the reason answer nothing", async () => {
  const { sent } = page();

  key("ArrowLeft", { ctrlKey: true });
  key("ArrowLeft", { repeat: true });
  const typed = new KeyboardEvent("keydown", { key: "s", bubbles: true });
  document.getElementById("reason").dispatchEvent(typed);
  await settled();

  assert.deepEqual(sent, []);
});

test("a second key while the first is under way is not a second vote", async () => {
  const { sent } = page();

  key("ArrowLeft");
  key("ArrowRight");
  await settled();

  assert.deepEqual(
    sent.map(({ answer }) => answer),
    ["left"],
  );
});

test("u takes the last vote back", async () => {
  const { sent } = page();

  key("u");
  await settled();

  assert.deepEqual(sent, [{ address: "/undo", token: "token", pair: "p0" }]);
});

test("a refused vote leaves the pair and says why", async () => {
  const { component } = page(() => json({ detail: "The run was closed." }, 409));

  key("ArrowLeft");
  await settled();

  assert.equal(component.trouble, "The run was closed.");
  assert.equal(component.prompt, "a red heart");
  assert.equal(component.busy, false);
});

test("a market that is away counts nothing", async () => {
  const { component } = page(() => {
    throw new TypeError("fetch failed");
  });

  key("ArrowLeft");
  await settled();

  assert.match(component.trouble, /The vote was not counted/);
  assert.equal(component.progressText, "1 of 4");
  assert.equal(component.gaugeWidth, 250);
});

test("a page that is left listens no more", async () => {
  const { component, sent } = page();

  component.destroy();
  key("ArrowLeft");
  await settled();

  assert.deepEqual(sent, []);
});
