// The playground: form ⇄ address ⇄ code, one run at a time, its live bar, its picture and its receipt.
//
// The form is rendered by the server from the version's input schema. Events of a prediction:
//   state     {status, cause, detail?, queue_seconds?, load_seconds?, loaded_bytes?, total_bytes?}
//   progress  {step, steps}
//   done      the whole prediction, with output, error, metrics and receipt
import { duration, money } from "./format.js";
import { curl, javascript, python } from "./snippets.js";

const PHASES = ["queued", "loading", "running"];
const POLL_MS = 2000;
const KEPT_RESULTS = 16;

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function phaseOf({ status, cause }) {
  if (status === "processing") return "running";
  return cause === "loading" ? "loading" : "queued";
}

function fieldValue(field, text) {
  if (field.type === "integer" || field.type === "number") {
    const value = Number(text);
    return Number.isFinite(value) ? value : text; // the server says what is wrong with it, at the field
  }
  if (field.type === "enum") return field.choices.find((choice) => String(choice) === text) ?? text;
  return text;
}

async function readProblem(response) {
  if (response.redirected || response.status === 401 || response.status === 403) {
    const problem = await response.json().catch(() => null);
    return problem ?? { title: "Your session has ended.", detail: "Reload the page and sign in again." };
  }
  return response.json().catch(() => ({
    title: `The market answered with status ${response.status}.`,
    detail: "Run it again; if that goes on, tell the operator the time and this status.",
  }));
}

export function playground() {
  return {
    phase: "idle",
    detail: "",
    step: 0,
    steps: 0,
    elapsed: 0,
    seconds: { queued: 0, loading: 0, running: 0 },
    input: {},
    prediction: null,
    problem: null,
    results: [],
    balanceMicro: null,

    init() {
      // Kept, because within a component inside this one $root is that component's element.
      const data = { ...this.$root.dataset };
      this.settings = data;
      this.fields = JSON.parse(document.getElementById("playground-fields").textContent);
      this.form = this.$root.querySelector("form[data-playground-form]");
      this.balanceMicro = data.balanceMicro ? Number(data.balanceMicro) : null;
      this.storageKey = `results:${data.model}`;
      this.results = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
      const asked = Object.fromEntries(new URLSearchParams(location.search));
      // The page opens with the first example's prompt beside its picture, ready to run.
      this.fill(location.search || !data.firstPrompt ? asked : { prompt: data.firstPrompt });
    },

    // --- form, address and code ---------------------------------------------------------------------------------
    control(field) {
      return this.form.elements.namedItem(field.name);
    },

    /** Put values into the form; a field that is not named goes back to its default. */
    fill(values) {
      for (const field of this.fields) {
        const control = this.control(field);
        const value = values[field.name] ?? field.default;
        if (field.type === "boolean") control.checked = value === true || value === "true";
        else control.value = value ?? "";
      }
      this.read();
    },

    read() {
      const input = {};
      for (const field of this.fields) {
        const control = this.control(field);
        if (field.type === "boolean") input[field.name] = control.checked;
        else if (control.value !== "") input[field.name] = fieldValue(field, control.value);
      }
      this.input = input;
    },

    /** What differs from the defaults, and what must be given. */
    get chosen() {
      const differs = ({ name, required, default: standard }) =>
        name in this.input && (required || this.input[name] !== standard);
      return Object.fromEntries(this.fields.filter(differs).map(({ name }) => [name, this.input[name]]));
    },

    changed(event) {
      this.clearError(event.target.name);
      this.read();
      const query = new URLSearchParams(this.chosen).toString();
      history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
    },

    roll(event) {
      const control = this.form.elements.namedItem(event.currentTarget.dataset.for);
      control.value = Math.floor(Math.random() * 2 ** 31);
      control.dispatchEvent(new Event("input", { bubbles: true }));
    },

    remix(event) {
      this.fill(JSON.parse(event.currentTarget.dataset.input));
      this.form.scrollIntoView({ block: "start" });
      this.control(this.fields[0]).focus({ preventScroll: true });
    },

    get call() {
      return { baseUrl: this.settings.baseUrl, model: this.settings.model, input: this.chosen };
    },
    get curlText() {
      return curl(this.call);
    },
    get pythonText() {
      return python(this.call);
    },
    get javascriptText() {
      return javascript(this.call);
    },

    // --- money ----------------------------------------------------------------------------------------------------
    get currency() {
      return this.settings.currency;
    },
    get priceText() {
      const outputs = Number.isInteger(this.input.num_outputs) && this.input.num_outputs > 0 ? this.input.num_outputs : 1;
      return money(Number(this.settings.unitPriceMicro) * outputs, this.currency);
    },
    get balanceText() {
      return money(this.balanceMicro, this.currency);
    },

    // --- one run --------------------------------------------------------------------------------------------------
    get busy() {
      return this.phase === "sending" || PHASES.includes(this.phase);
    },
    get idle() {
      return this.phase === "idle" || this.phase === "refused";
    },
    get cancelable() {
      return PHASES.includes(this.phase);
    },

    async run() {
      if (this.busy || this.settings.canRun !== "true") return;
      this.read();
      this.begin();
      let response;
      try {
        response = await fetch(this.settings.createUrl, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", ...this.csrf() },
          body: JSON.stringify({ input: this.input }),
        });
      } catch {
        this.refuse({
          title: "No answer from the market.",
          detail: "Check the connection. Your predictions show whether this one was accepted.",
        });
        return;
      }
      if (response.redirected || !response.ok) {
        this.refuse(await readProblem(response));
        return;
      }
      const created = await response.json();
      this.urls = created.urls;
      if (created.balance_micro !== undefined) this.balanceMicro = created.balance_micro;
      this.heldMicro = created.price_micro ?? 0;
      this.enter("queued");
      this.$root.querySelector("[data-stage]").scrollIntoView({ block: "nearest" });
      this.follow(created);
    },

    csrf() {
      return { "X-CSRFToken": this.form.elements.namedItem("csrfmiddlewaretoken").value };
    },

    begin() {
      for (const { name } of this.fields) this.clearError(name);
      Object.assign(this, { phase: "sending", detail: "", step: 0, steps: 0, elapsed: 0, problem: null });
      this.prediction = null;
      this.seconds = { queued: 0, loading: 0, running: 0 };
      this.began = performance.now();
      this.entered = this.began;
      this.ticker = setInterval(() => this.tick(), 100);
    },

    tick() {
      const now = performance.now();
      this.elapsed = (now - this.began) / 1000;
      if (PHASES.includes(this.phase)) this.seconds[this.phase] = (now - this.entered) / 1000;
    },

    enter(phase) {
      if (phase === this.phase) return;
      this.tick();
      this.phase = phase;
      this.detail = "";
      this.entered = performance.now();
    },

    follow(created) {
      this.events = new EventSource(this.urls.events);
      this.events.addEventListener("state", ({ data }) => this.state(JSON.parse(data)));
      this.events.addEventListener("progress", ({ data }) => {
        const { step, steps } = JSON.parse(data);
        this.enter("running");
        Object.assign(this, { step, steps });
      });
      this.events.addEventListener("done", ({ data }) => this.finish(JSON.parse(data)));
      // The browser reconnects by itself; where it has given up, the prediction is asked for instead.
      this.events.addEventListener("error", () => {
        if (this.events.readyState === EventSource.CLOSED && this.busy) this.poll(created.urls.get);
      });
    },

    state(state) {
      if (!this.busy || ["succeeded", "failed", "canceled"].includes(state.status)) return;
      this.enter(phaseOf(state));
      if (state.queue_seconds !== undefined) this.seconds.queued = state.queue_seconds;
      if (state.load_seconds !== undefined) this.seconds.loading = state.load_seconds;
      if (state.total_bytes) {
        const megabytes = (bytes) => Math.round(bytes / 1e6);
        this.detail = `${megabytes(state.loaded_bytes ?? 0)} of ${megabytes(state.total_bytes)}\u00a0MB`;
      } else {
        this.detail = state.detail ?? "";
      }
    },

    async poll(url) {
      while (this.busy) {
        const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
        if (response?.ok) {
          const prediction = await response.json();
          if (["succeeded", "failed", "canceled"].includes(prediction.status)) {
            this.finish(prediction);
            return;
          }
          this.state(prediction);
        }
        await delay(POLL_MS);
      }
    },

    async cancel() {
      this.detail = "canceling";
      await fetch(this.urls.cancel, { method: "POST", headers: this.csrf() }).catch(() => {
        this.detail = "the request to cancel did not arrive";
      });
    },

    stop(phase) {
      clearInterval(this.ticker);
      this.events?.close();
      this.tick();
      this.phase = phase;
    },

    finish(prediction) {
      this.stop(prediction.status);
      this.show(prediction);
      const charged = prediction.receipt?.payload.price_micro;
      if (prediction.balance_micro !== undefined) this.balanceMicro = prediction.balance_micro;
      else if (charged !== undefined) this.balanceMicro += this.heldMicro - charged; // what was held and not charged
      if (prediction.status !== "succeeded") return;
      this.results = [{ prediction, input: this.input }, ...this.results].slice(0, KEPT_RESULTS);
      sessionStorage.setItem(this.storageKey, JSON.stringify(this.results));
    },

    show(prediction) {
      this.prediction = prediction;
      const { queue_seconds, load_seconds, run_seconds, total_seconds } = prediction.metrics ?? {};
      this.seconds = { queued: queue_seconds ?? 0, loading: load_seconds ?? 0, running: run_seconds ?? 0 };
      if (total_seconds) this.elapsed = total_seconds;
    },

    again(event) {
      const { prediction, input } = this.results[Number(event.currentTarget.dataset.index)];
      if (this.busy) return;
      this.problem = null;
      this.phase = prediction.status;
      this.show(prediction);
      this.fill(input);
    },

    refuse(problem) {
      this.stop("refused");
      this.problem = problem;
      for (const { field, detail } of problem.errors ?? []) this.showError(field.replace(/^input\./, ""), detail);
      this.form.querySelector("[aria-invalid=true]")?.focus();
    },

    showError(name, detail) {
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      if (!place) return;
      place.textContent = detail;
      place.hidden = false;
      place.closest("details")?.setAttribute("open", "");
      this.form.elements.namedItem(name).setAttribute("aria-invalid", "true");
    },

    clearError(name) {
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      if (!place) return;
      place.hidden = true;
      this.form.elements.namedItem(name).removeAttribute("aria-invalid");
    },

    // --- what is shown --------------------------------------------------------------------------------------------
    get barShown() {
      return this.cancelable || this.prediction !== null;
    },
    get elapsedText() {
      return duration(this.elapsed);
    },
    get caption() {
      const words = {
        sending: "Sending",
        queued: "Queued, waiting for a node",
        loading: "Loading the model",
        running: this.steps ? `Running, step ${this.step} of ${this.steps}` : "Running",
        succeeded: "Succeeded",
        failed: "Failed",
        canceled: "Canceled",
      };
      const text = words[this.phase] ?? "";
      return this.detail ? `${text} (${this.detail})` : text;
    },
    /** For screen readers: the phase, without each step and tenth of a second. */
    get announcement() {
      return this.phase === "running" ? "Running" : this.caption;
    },

    segmentClass(phase) {
      const now = PHASES.indexOf(this.phase);
      const mine = PHASES.indexOf(phase);
      const over = this.prediction !== null;
      const open = phase !== "running" || this.steps === 0;
      return { "is-past": over || mine < now, "is-now": !over && mine === now, "is-open": open };
    },
    segmentGrow(phase) {
      const total = this.seconds.queued + this.seconds.loading + this.seconds.running;
      return { flexGrow: String(Math.max(this.seconds[phase], total * 0.06, 0.05)) };
    },
    get stepScale() {
      if (this.prediction !== null || !this.steps || this.phase !== "running") return { transform: "" };
      return { transform: `scaleX(${this.step / this.steps})` };
    },

    get pictures() {
      const output = this.prediction?.output ?? [];
      return Array.isArray(output) ? output : [output];
    },
    get shownPrompt() {
      return this.prediction?.input?.prompt ?? this.input.prompt ?? "Generated picture";
    },
    get failure() {
      const error = this.prediction?.error;
      if (!error) return null;
      return typeof error === "string" ? { title: error, detail: "" } : error;
    },
    get trouble() {
      return this.problem ?? this.failure;
    },
    get troubleTitle() {
      return this.trouble?.title ?? "";
    },
    get troubleDetail() {
      return this.trouble?.detail ?? "";
    },
    get hasReceipt() {
      return Boolean(this.prediction?.receipt);
    },
    get receiptRows() {
      if (!this.hasReceipt) return [];
      const { payload } = this.prediction.receipt;
      const metrics = this.prediction.metrics ?? {};
      const rows = [
        ["Queued", duration(metrics.queue_seconds)],
        ["Loading", duration(metrics.load_seconds)],
        ["Running", duration(metrics.run_seconds)],
        ["On", payload.device],
        ["Not billed because", payload.not_billed_reason],
      ];
      return rows.filter(([, value]) => value).map(([label, value]) => ({ label, value }));
    },
    get chargedText() {
      const payload = this.prediction?.receipt?.payload;
      return payload ? money(payload.price_micro, payload.currency ?? this.currency) : "";
    },
    get signatureShort() {
      return `${(this.prediction?.receipt?.signature ?? "").slice(0, 16)}…`;
    },
    get receiptText() {
      return JSON.stringify(this.prediction?.receipt ?? null);
    },
    get pageUrl() {
      return this.prediction?.urls?.web ?? "";
    },
    get thumbnails() {
      return this.results.map(({ prediction, input }, index) => ({
        id: prediction.id,
        index,
        url: prediction.output[0],
        alt: `Show again: ${input.prompt ?? prediction.id}`,
      }));
    },
  };
}
