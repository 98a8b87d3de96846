import assert from "node:assert/strict";
import { test } from "node:test";
import { extend, live, local } from "../../../marketplace/frontend/js/live.js";
import { open } from "./page.js";

/** A prediction that is followed; the clock of pages is stopped after `work`. */
function follow(work) {
  open("");
  const component = live();
  component.start("queued");
  try {
    work(component);
  } finally {
    component.stop("succeeded");
  }
}

test("a component made of another one keeps its getters live", () => {
  const made = extend(
    {
      count: 1,
      get twice() {
        return this.count * 2;
      },
    },
    {
      get thrice() {
        return this.count * 3;
      },
    },
  );
  made.count = 5;
  assert.deepEqual([made.twice, made.thrice], [10, 15]);
});

test("links of the market lead to the host that the page was opened under", () => {
  open("", { url: "http://localhost:8000/a/b" });
  assert.equal(local("https://bourse.example/files/1?sig=x"), "/files/1?sig=x");
  assert.equal(local("/files/2"), "/files/2");
});

test("the caption follows the events of a prediction", () =>
  follow((component) => {
    assert.equal(component.caption, "Queued, waiting for a node");
    component.state({ status: "starting", cause: "loading", queue_seconds: 1.5, detail: "3 of 9 files" });
    assert.equal(component.caption, "Loading the model (3 of 9 files)");
    assert.equal(component.seconds.queued, 1.5);
    component.state({ status: "processing" });
    Object.assign(component, { step: 2, steps: 8 });
    assert.equal(component.caption, "Running, step 2 of 8");
    assert.deepEqual(component.stepScale, { transform: "scaleX(0.25)" });
    assert.equal(component.announcement, "Running");
  }));

test("a state that comes after the end changes nothing", () =>
  follow((component) => {
    component.stop("canceled");
    component.state({ status: "processing" });
    assert.equal(component.phase, "canceled");
    assert.equal(component.busy, false);
  }));

test("parts of the bar are past, now or to come", () =>
  follow((component) => {
    component.enter("loading");
    assert.deepEqual(component.segmentClass("queued"), { "is-past": true, "is-now": false, "is-open": true });
    assert.deepEqual(component.segmentClass("loading"), { "is-past": false, "is-now": true, "is-open": true });
    assert.deepEqual(component.segmentClass("running"), { "is-past": false, "is-now": false, "is-open": true });
    component.seconds = { queued: 0, loading: 10, running: 0 };
    assert.deepEqual(component.segmentGrow("queued"), { flexGrow: "0.6" });
  }));
