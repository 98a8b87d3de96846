import assert from "node:assert/strict";
import { test } from "node:test";
import { reviewer } from "../../../marketplace/frontend/js/reviewer.js";
import { json, open, start } from "./page.js";

const item = (prediction, position, of = 1) => ({
  url: `/${prediction}/${position}`,
  prompt: "",
  until: "",
  prediction,
  position,
  of,
});

/** A reviewer's page of three pictures at $0.004 each; what the market was sent is kept. */
function page(answer = () => json({ accepted: 1, rejected: 0, outcome: "settled" })) {
  const sent = [];
  const items = [item("x", 0, 2), item("x", 1, 2), item("y", 0)];
  const body = `<div id="root" data-verdict-url="/verdict" data-accepted="0" data-rejected="0"><input name="csrfmiddlewaretoken" value="token"><input id="reason"></div>
    <script type="application/json" id="review-items">${JSON.stringify(items)}</script>
    <script type="application/json" id="review-amounts">["$0.00", "$0.004", "$0.008", "$0.012"]</script>`;
  open(body, {
    answer: (_address, options) => {
      sent.push(JSON.parse(options.body));
      return answer();
    },
  });
  return { component: start(reviewer), sent };
}

test("an accepted picture is told with what it cost, and the next undecided one is shown", async () => {
  const { component, sent } = page();

  await component.accept();

  assert.deepEqual(sent, [{ prediction: "x", position: 0, verdict: "accepted" }]);
  assert.equal(component.last, "1 of 3 accepted: $0.004 was charged.");
  assert.equal(component.place, "2 of 3");
  assert.equal(component.which, "Picture 2 of 2 of this call.");
  assert.equal(component.left, 2);
});

test("while its call is undecided, an accepted picture is not yet charged", async () => {
  const { component } = page(() => json({ accepted: 1, rejected: 0, outcome: "observing" }));

  await component.accept();

  assert.equal(component.last, "1 of 3 accepted: $0.004 is charged once its call is decided.");
});

test("a rejection carries its reason, once", async () => {
  const { component, sent } = page(() => json({ accepted: 0, rejected: 1, outcome: "settled" }));
  component.reason = "  two hearts ";

  await component.reject();
  await component.reject();

  assert.equal(sent[0].reason, "two hearts");
  assert.equal("reason" in sent[1], false);
  assert.equal(component.rejected, 1);
});

test("a verdict is final, and the last one ends the page with its sum", async () => {
  const { component, sent } = page();

  await component.accept();
  component.back();
  await component.reject();
  assert.equal(sent.length, 1);
  component.forth();
  await component.accept();
  await component.reject();

  assert.equal(component.finished, true);
  assert.equal(component.summary, "2 accepted for $0.008, 1 rejected.");
});

test("a verdict that was refused leaves the picture undecided", async () => {
  const { component } = page(() => json({ detail: "Somebody else decided it." }, 409));

  await component.accept();

  assert.equal(component.trouble, "Somebody else decided it.");
  assert.equal(component.verdict, "");
  assert.equal(component.place, "1 of 3");
});
