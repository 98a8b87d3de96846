import assert from "node:assert/strict";
import { test } from "node:test";
import { playground } from "../../../marketplace/frontend/js/playground.js";
import { json, open, start } from "./page.js";

const FIELDS = [
  { name: "prompt", type: "string", required: true },
  { name: "steps", type: "integer", required: false, default: 4 },
  { name: "size", type: "enum", required: false, default: 128, choices: [64, 128] },
  { name: "tiled", type: "boolean", required: false, default: false },
];

/** A playground at this address; what the market was asked to run is kept. */
function page({ search = "", first = {}, answer } = {}) {
  const asked = [];
  open(
    `<div id="root" data-model="lumen/hero" data-base-url="https://market.test" data-create-url="/run" data-can-run="true"
      data-estimate-url="/estimate" data-price="$0.004" data-quantity="" data-balance="$1.00">
    <form data-playground-form><input name="csrfmiddlewaretoken" value="token"><input id="input-prompt" name="prompt">
    <p data-error-for="prompt" hidden></p><input name="steps"><input name="size"><input type="checkbox" name="tiled"></form>
    <div data-stage></div></div><script type="application/json" id="playground-fields">${JSON.stringify(FIELDS)}</script>`,
    {
      url: `https://market.test/lumen/hero${search}`,
      answer: (address, { body }) => {
        asked.push([address, JSON.parse(body)]);
        return answer();
      },
    },
  );
  document.getElementById("root").dataset.firstInput = JSON.stringify(first);
  return { component: start(playground), asked };
}

/** Resolves once the estimate has been answered. */
async function settled(component) {
  while (component.estimating) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("a page without a query opens with the first example, but for its seed", () => {
  const { component } = page({ first: { prompt: "a star", seed: 7 } });
  assert.deepEqual(component.input, { prompt: "a star", steps: 4, size: 128, tiled: false });
  assert.deepEqual(component.chosen, { prompt: "a star" });
});

test("the query fills the form, and types its values", () => {
  const { component } = page({ search: "?prompt=a+cat&steps=9&size=64&tiled=true", first: { prompt: "a star" } });
  assert.deepEqual(component.input, { prompt: "a cat", steps: 9, size: 64, tiled: true });
});

test("what is changed goes into the address, as far as it differs from the defaults", async () => {
  const { component } = page({ first: { prompt: "a star" } });
  const steps = component.control("steps");

  steps.value = "8";
  component.changed({ target: steps });
  assert.equal(component.call.input.steps, 8);
  assert.equal(new URLSearchParams(component.chosen).toString(), "prompt=a+star&steps=8");
  steps.value = "4";
  component.changed({ target: steps });

  assert.deepEqual(component.chosen, { prompt: "a star" });
  await settled(component);
});

test("a figure that is none is sent as it was typed, for the server to judge", () => {
  const { component } = page();
  component.control("steps").value = "many";
  component.read();
  assert.equal(component.input.steps, "many");
});

test("a refused run shows each error at its field, until the field is changed", async () => {
  const problem = { title: "Invalid input", detail: "", errors: [{ field: "input.prompt", detail: "Say something." }] };
  const { component, asked } = page({ answer: () => json(problem, 422) });
  const place = document.querySelector("[data-error-for=prompt]");
  const prompt = component.control("prompt");

  await component.run();
  assert.deepEqual(asked, [["/run", { input: { steps: 4, size: 128, tiled: false } }]]);
  assert.equal(component.troubleTitle, "Invalid input");
  assert.deepEqual([place.textContent, place.hidden], ["Say something.", false]);
  assert.equal(document.activeElement, prompt);
  component.changed({ target: prompt });

  assert.equal(place.hidden, true);
  assert.equal(prompt.hasAttribute("aria-invalid"), false);
  await settled(component);
});

test("a session that has ended is said so", async () => {
  const { component } = page({ answer: () => new Response("", { status: 401 }) });
  await component.run();
  assert.equal(component.troubleTitle, "Your session has ended.");
});

test("the price stays until the server has answered for the changed form, once for several changes", async () => {
  const { component, asked } = page({ answer: () => json({ price: "$0.008", quantity: "1.05 megapixels" }) });
  const steps = component.control("steps");

  for (const value of ["5", "6"]) {
    steps.value = value;
    component.changed({ target: steps });
  }
  assert.deepEqual([component.priceText, component.estimating], ["$0.004", true]);
  await settled(component);

  assert.deepEqual(asked, [["/estimate", { input: { steps: 6, size: 128, tiled: false } }]]);
  assert.deepEqual([component.priceText, component.quantityText], ["$0.008", "1.05 megapixels"]);
});

test("what cannot be estimated is said at its field, and the last price stays", async () => {
  const problem = { errors: [{ field: "input.prompt", detail: "Prompt is too long" }] };
  const { component } = page({ answer: () => json(problem, 422) });

  component.changed({ target: component.control("steps") });
  await settled(component);

  assert.equal(document.querySelector("[data-error-for=prompt]").textContent, "Prompt is too long");
  assert.equal(component.priceText, "$0.004");
});

test("no answer to an estimate leaves the last price", async () => {
  const { component } = page({
    answer: () => {
      throw new TypeError("no network");
    },
  });

  component.changed({ target: component.control("steps") });
  await settled(component);

  assert.equal(component.priceText, "$0.004");
});
