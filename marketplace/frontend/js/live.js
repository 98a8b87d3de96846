// The life of one prediction as it happens: its phases, its live bar, its event stream.
//
// Events of a prediction (marketplace/api/front/streaming.py):
//   state     {status, cause, queue_seconds?, detail?}
//   progress  {step, steps}
//   done      the whole prediction, with output, error, metrics and receipt
//   ping      {}, so that idle connections stay open
import { component } from "./component.js";
import { duration } from "./format.js";

/**
 * @typedef {import("./component.js").Magics} Magics
 * @typedef {"queued" | "loading" | "running"} Phase
 * @typedef {{status: string, cause?: string, queue_seconds?: number | null, detail?: string}} State
 *
 * What a prediction's address answers, as far as pages read it.
 * @typedef {{
 *   id: string, status: string, input: Record<string, any>, output: any, error: string | null,
 *   metrics: {queue_seconds?: number, load_seconds?: number, run_seconds?: number, total_seconds?: number},
 *   receipt: {signature: string, payload: Record<string, any>},
 * }} Prediction
 */

/** @type {string[]} */
const PHASES = ["queued", "loading", "running"];
const REOPEN_MS = 2000;
const MAX_REOPENINGS = 5;

/** @type {Record<string, string>} */
const WORDS = {
  sending: "Sending",
  queued: "Queued, waiting for a node",
  loading: "Loading the model",
  running: "Running",
  succeeded: "Succeeded",
  failed: "Failed",
  canceled: "Canceled",
};

/**
 * A component made of another one and more; getters stay getters.
 * @template {object} Base
 * @template {object} Own
 * @param {Base} base
 * @param {Own & ThisType<Base & Own & Magics>} own
 * @returns {Base & Own}
 */
export function extend(base, own) {
  return /** @type {Base & Own} */ (Object.defineProperties(base, Object.getOwnPropertyDescriptors(own)));
}

/**
 * The same address on the host that the page was opened under, as the site's policy allows no other.
 * @param {string} address
 */
export function local(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

/** @param {State} state */
function phaseOf({ status, cause }) {
  if (cause === "loading") return "loading";
  return status === "processing" ? "running" : "queued";
}

/** What a component needs that shows a prediction live; it brings its own `finish(prediction)` and `lost()`. */
export function live() {
  return component({
    phase: "idle",
    ended: false,
    detail: "",
    step: 0,
    steps: 0,
    elapsed: 0,
    seconds: /** @type {Record<string, number>} */ ({ queued: 0, loading: 0, running: 0 }),
    began: 0,
    entered: 0,
    ticker: /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined),
    events: /** @type {EventSource | undefined} */ (undefined),

    /** @param {Prediction} _prediction */
    finish(_prediction) {},
    lost() {},

    /**
     * Start the clock; `age` is how many seconds ago it all began.
     * @param {string} phase
     */
    start(phase, age = 0) {
      Object.assign(this, { phase, ended: false, detail: "", step: 0, steps: 0, elapsed: age });
      this.seconds = { queued: 0, loading: 0, running: 0 };
      this.began = performance.now() - age * 1000;
      this.entered = this.began;
      this.ticker = setInterval(() => this.tick(), 100);
    },

    tick() {
      const now = performance.now();
      this.elapsed = (now - this.began) / 1000;
      if (PHASES.includes(this.phase)) this.seconds[this.phase] = (now - this.entered) / 1000;
    },

    /** @param {string} phase */
    enter(phase) {
      if (phase === this.phase) return;
      this.tick();
      this.phase = phase;
      this.detail = "";
      this.entered = performance.now();
    },

    /** @param {string} phase */
    stop(phase) {
      clearInterval(this.ticker);
      this.events?.close();
      this.tick();
      this.phase = phase;
      this.detail = "";
    },

    /**
     * Listen until the prediction is done. The browser reconnects by itself; where it gives up, we open a new stream.
     * @param {string} url
     */
    follow(url, reopenings = 0) {
      this.events = new EventSource(url);
      this.events.addEventListener("state", ({ data }) => this.state(JSON.parse(data)));
      this.events.addEventListener("progress", ({ data }) => {
        const { step, steps } = JSON.parse(data);
        this.enter("running");
        Object.assign(this, { step, steps });
      });
      this.events.addEventListener("done", ({ data }) => this.finish(JSON.parse(data)));
      this.events.addEventListener("error", () => {
        if (this.events.readyState !== EventSource.CLOSED || !this.busy) return;
        if (reopenings < MAX_REOPENINGS) setTimeout(() => this.busy && this.follow(url, reopenings + 1), REOPEN_MS);
        else this.lost();
      });
    },

    /** @param {State} state */
    state(state) {
      if (!this.busy || ["succeeded", "failed", "canceled"].includes(state.status)) return;
      this.enter(phaseOf(state));
      if (state.queue_seconds != null) this.seconds.queued = state.queue_seconds;
      this.detail = state.detail ?? "";
    },

    get busy() {
      return this.phase === "sending" || PHASES.includes(this.phase);
    },
    get cancelable() {
      return PHASES.includes(this.phase);
    },
    get elapsedText() {
      return duration(this.elapsed);
    },
    get caption() {
      const steps = this.phase === "running" && this.steps ? `, step ${this.step} of ${this.steps}` : "";
      const detail = this.detail ? ` (${this.detail})` : "";
      return `${WORDS[this.phase] ?? ""}${steps}${detail}`;
    },
    /** For screen readers: the phase, without each step and tenth of a second. */
    get announcement() {
      return WORDS[this.phase] ?? "";
    },

    /** @param {Phase} phase */
    segmentClass(phase) {
      const now = PHASES.indexOf(this.phase);
      const mine = PHASES.indexOf(phase);
      const open = phase !== "running" || this.steps === 0;
      return { "is-past": this.ended || mine < now, "is-now": !this.ended && mine === now, "is-open": open };
    },
    /** @param {Phase} phase */
    segmentGrow(phase) {
      const total = this.seconds.queued + this.seconds.loading + this.seconds.running;
      return { flexGrow: String(Math.max(this.seconds[phase], total * 0.06, 0.05)) };
    },
    get stepScale() {
      if (this.ended || !this.steps || this.phase !== "running") return { transform: "" };
      return { transform: `scaleX(${this.step / this.steps})` };
    },
  });
}

/** A prediction's own page while it is unfinished; when it ends, the server shows the rest. */
export function watch() {
  return extend(live(), {
    init() {
      const { eventsUrl, created } = this.$root.dataset;
      this.start("queued", Math.max(0, (Date.now() - Date.parse(created)) / 1000));
      this.follow(eventsUrl);
    },
    /** @param {Prediction} prediction */
    finish(prediction) {
      this.stop(prediction.status);
      location.reload();
    },
    lost() {
      this.detail = "the connection was lost; reload the page";
    },
  });
}
