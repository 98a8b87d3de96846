import assert from "node:assert/strict";
import { test } from "node:test";
import { upload } from "../../../marketplace/frontend/js/upload.js";
import { json, open, start } from "./page.js";

const found = (path, size = 10) => ({ path, file: { size, lastModified: 5 } });

/** The page for publishing a folder, whose market answers with `answer`; what it was asked is kept. */
function page(answer = () => json({})) {
  const asked = [];
  open(
    `<div id="root" data-check-url="/check" data-open-url="/open" data-most-files="2"><form>
    <input name="csrfmiddlewaretoken" value="token"><input name="name"><input name="message"></form></div>`,
    {
      answer: (address, { body }) => {
        asked.push([address, JSON.parse(body)]);
        return answer();
      },
    },
  );
  return { component: start(upload), asked, name: document.querySelector("[name=name]") };
}

test("the chosen folder is not part of paths, and names the model", async () => {
  const { component, asked, name } = page();

  await component.take([found("My Model/vae/config.json"), found("My Model/README.md")]);

  assert.deepEqual(asked, [
    [
      "/check",
      {
        files: [
          { path: "README.md", size: 10, modified: 5 },
          { path: "vae/config.json", size: 10, modified: 5 },
        ],
      },
    ],
  ]);
  assert.equal(name.value, "my-model");
  assert.equal(component.summary, "2 files, 20\u00a0B");
});

test("files without one folder around them keep their paths, and a name that was given stays", async () => {
  const { component, name } = page();
  name.value = "mine";

  await component.take([found("a/x.json"), found("b/y.json")]);

  assert.deepEqual(
    component.rows.map(({ path }) => path),
    ["a/x.json", "b/y.json"],
  );
  assert.equal(name.value, "mine");
});

test("refused files come first, each with its reason, and block the upload", async () => {
  const problem = { title: "Two files may not be published", errors: [] };
  problem.errors.push({ field: "b.pkl", detail: "Pickles are not taken." }, { field: ".", detail: "No card." });
  const { component } = page(() => json(problem, 422));

  await component.take([found("f/a.json"), found("f/b.pkl")]);

  assert.deepEqual(
    component.rows.map(({ path, reason }) => [path, reason]),
    [
      ["b.pkl", "Pickles are not taken."],
      ["a.json", ""],
    ],
  );
  assert.deepEqual(component.general, ["No card."]);
  assert.equal(component.trouble, "Two files may not be published.");
  assert.equal(component.blocked, true);
});

test("a market that is away is said so", async () => {
  const { component } = page(() => {
    throw new TypeError("fetch failed");
  });

  await component.take([found("f/a.json")]);

  assert.equal(component.trouble, "The market does not answer. Try again.");
});

test("without a folder or a name nothing is opened", async () => {
  const { component, asked, name } = page();

  await component.start();
  assert.equal(component.trouble, "Choose a folder first.");
  await component.take([found("f/a.json")]);
  name.value = " ";
  await component.start();

  assert.equal(component.trouble, "Give the model a name first.");
  assert.equal(asked.length, 1);
});
