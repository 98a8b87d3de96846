import assert from "node:assert/strict";
import { test } from "node:test";
import { picture } from "../../../marketplace/frontend/js/files.js";
import { json, open, start } from "./page.js";

const KEPT = { urls: { download: "https://market.test/inputs/1?sig=x" }, width: 64, height: 32 };

/** A field for a picture whose value is `value`; what was uploaded is kept. */
function field({ value = "", answer = () => json(KEPT) } = {}) {
  const sent = [];
  open(`<div id="root" data-upload-url="/upload"><input type="hidden" value="${value}"><input type="file"></div>`, {
    answer: (address, { body }) => {
      sent.push([address, body.get("content").name]);
      return answer();
    },
  });
  return { component: start(picture), sent, holder: document.querySelector("[type=hidden]") };
}

const png = (options = {}) => new File(["bytes"], "heart.png", { type: "image/png", ...options });

test("a chosen picture is uploaded, and the form learns its address", async () => {
  const { component, sent, holder } = field();
  let told = 0;
  document.body.addEventListener("input", () => told++);

  await component.send(png());

  assert.deepEqual(sent, [["/upload", "heart.png"]]);
  assert.equal(holder.value, "/inputs/1?sig=x");
  assert.equal(component.details, "heart.png, 64 × 32");
  assert.equal(told, 1);
  assert.equal(component.busy, false);
});

test("what is no picture, or too large, is refused here", async () => {
  const { component, sent } = field();

  await component.send(png({ type: "image/gif" }));
  assert.equal(component.message, "“heart.png” is no PNG, JPEG or WebP picture.");
  await component.send({ name: "big.png", type: "image/png", size: 20_000_001 });

  assert.equal(component.message, "“big.png” has more than 20 MB; make it smaller.");
  assert.deepEqual(sent, []);
});

test("the server's reason is shown", async () => {
  const { component, holder } = field({ answer: () => json({ detail: "is no picture." }, 422) });

  await component.send(png());

  assert.equal(component.message, "“heart.png” is no picture.");
  assert.equal(holder.value, "");
});

test("only pictures of this site are previewed", () => {
  assert.equal(field({ value: "https://elsewhere.test/x.png" }).component.filled, false);
  assert.equal(field({ value: "https://market.test/inputs/1" }).component.url, "/inputs/1");
});

test("a cleared field is empty for the form too", async () => {
  const { component, holder } = field({ value: "/inputs/1" });

  component.clear();

  assert.equal(holder.value, "");
  assert.equal(component.prompt, "Drop a picture here, or choose one");
});
