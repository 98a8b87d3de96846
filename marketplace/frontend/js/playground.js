// The playground: form ⇄ address ⇄ code, one run at a time, its live bar, its picture and its receipt.
//
// The form is rendered by the server from the version's input schema; live.js follows the run.
import { documentOf } from "./answers.js";
import { duration } from "./format.js";
import { extend, live, local } from "./live.js";
import { calls } from "./snippets.js";

/**
 * @typedef {import("./live.js").Prediction} Prediction
 * @typedef {{name: string, type: string, default?: any, required: boolean, choices?: unknown[]}} Field
 * @typedef {{title: string, detail: string, errors?: {field: string, detail: string}[]}} Problem
 * @typedef {{prediction: Prediction, input: Record<string, any>, page: string, charged: string}} Result
 */

const KEPT_RESULTS = 16;
const ESTIMATE_DELAY_MS = 200; // after the last change, before the server is asked

/**
 * @param {Field} field
 * @param {string} text
 */
function fieldValue(field, text) {
  if (field.type === "integer" || field.type === "number") {
    const value = Number(text);
    return Number.isFinite(value) ? value : text; // the server says what is wrong with it, at the field
  }
  if (field.type === "enum") return field.choices.find((choice) => String(choice) === text) ?? text;
  return text;
}

/** @param {string} name */
const words = (name) => name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
/** @param {unknown} value */
const figure = (value) => (typeof value === "number" ? String(Number(value.toFixed(4))) : String(value));

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
async function readProblem(response) {
  const problem = await documentOf(response);
  const signedOut = response.redirected || response.status === 401;
  if (signedOut || (response.status === 403 && !problem)) {
    const detail = problem?.detail ?? "Reload the page and sign in again.";
    return { title: "Your session has ended.", detail };
  }
  return (
    problem ?? {
      title: `The market answered with status ${response.status}.`,
      detail: "Run it again; if that goes on, tell the operator the time and this status.",
    }
  );
}

export function playground() {
  return extend(extend(live(), calls()), {
    input: /** @type {Record<string, any>} */ ({}),
    prediction: /** @type {Prediction | null} */ (null),
    page: "",
    problem: /** @type {Problem | null} */ (null),
    results: /** @type {Result[]} */ ([]),
    contract: "",
    balanceText: "",
    priceText: "",
    quantityText: "",
    chargedText: "",
    estimating: false,
    estimateTimer: 0,
    asking: /** @type {AbortController | null} */ (null),
    settings: /** @type {DOMStringMap} */ ({}),
    fields: /** @type {Field[]} */ ([]),
    form: /** @type {HTMLFormElement} */ (null),
    stage: /** @type {HTMLElement} */ (null),
    storageKey: "",
    urls: /** @type {Record<string, string>} */ ({}),

    init() {
      // Copied, because within a nested component $root is that component's element.
      const data = { ...this.$root.dataset };
      this.settings = data;
      this.fields = JSON.parse(document.getElementById("playground-fields").textContent);
      this.form = this.$root.querySelector("form[data-playground-form]");
      this.stage = this.$root.querySelector("[data-stage]");
      Object.assign(this, { priceText: data.price, quantityText: data.quantity, balanceText: data.balance ?? "" });
      this.storageKey = `results:${data.model}`;
      this.results = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
      const asked = Object.fromEntries(new URLSearchParams(location.search));
      // The page opens with the first example's inputs beside its picture, ready to run.
      const { seed, ...first } = JSON.parse(data.firstInput || "{}");
      this.fill(location.search ? asked : first); // the price that the page came with is for these, at the list price
      if (this.contract) this.estimateSoon();
    },

    // --- form, address and code ---------------------------------------------------------------------------------
    /**
     * @param {string} name
     * @returns {HTMLInputElement}
     */
    control(name) {
      return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
    },

    /**
     * Put values into the form; a field that is not named goes back to its default.
     * @param {Record<string, any>} values
     */
    fill(values) {
      for (const field of this.fields) {
        const control = this.control(field.name);
        const value = values[field.name] ?? field.default;
        if (field.type === "boolean") control.checked = value === true || value === "true";
        else control.value = value ?? "";
        if (field.type === "file") control.dispatchEvent(new Event("fill"));
      }
      this.read();
    },

    read() {
      /** @type {Record<string, any>} */
      const input = {};
      for (const field of this.fields) {
        const control = this.control(field.name);
        if (field.type === "boolean") input[field.name] = control.checked;
        else if (control.value !== "") input[field.name] = fieldValue(field, control.value);
      }
      this.input = input;
      /** @type {HTMLInputElement | null} */
      const pays = this.form.querySelector("[name=contract]:checked"); // there is a choice only where a contract is
      this.contract = pays?.value ?? "";
    },

    /**
     * What differs from the defaults, and what must be given.
     * @returns {Record<string, any>}
     */
    get chosen() {
      /** @param {Field} field */
      const differs = ({ name, required, default: standard }) =>
        name in this.input && (required || this.input[name] !== standard);
      return Object.fromEntries(this.fields.filter(differs).map(({ name }) => [name, this.input[name]]));
    },

    /** @param {Event & {target: HTMLInputElement}} event */
    changed(event) {
      this.clearError(event.target.name);
      this.read();
      this.estimateSoon();
      const query = new URLSearchParams(this.chosen).toString();
      history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
    },

    /** @param {Event & {currentTarget: HTMLElement}} event */
    roll(event) {
      const control = this.control(event.currentTarget.dataset.for);
      control.value = String(Math.floor(Math.random() * 2 ** 31));
      control.dispatchEvent(new Event("input", { bubbles: true }));
    },

    /** @param {Event & {currentTarget: HTMLElement}} event */
    remix(event) {
      this.fill(JSON.parse(event.currentTarget.dataset.input));
      this.estimateSoon();
      this.form.scrollIntoView({ block: "start" });
      this.shown(this.fields[0].name).focus({ preventScroll: true });
    },

    /** @returns {import("./snippets.js").Call} */
    get call() {
      const { baseUrl, model, answersWithValue } = this.settings;
      const files = this.fields.filter(
        ({ name, type, required }) => type === "file" && (required || name in this.input),
      );
      return {
        baseUrl,
        model,
        input: this.chosen,
        files: files.map(({ name }) => name),
        value: answersWithValue === "true",
      };
    },
    // --- money ----------------------------------------------------------------------------------------------------
    /** Ask the server what the run will cost, once nothing has changed for a moment. */
    estimateSoon() {
      clearTimeout(this.estimateTimer);
      this.estimating = true;
      this.estimateTimer = setTimeout(() => this.estimate(), ESTIMATE_DELAY_MS);
    },

    /** The last known price stays until the answer is there. */
    async estimate() {
      this.asking?.abort();
      const asking = new AbortController();
      this.asking = asking;
      try {
        const response = await this.post(this.settings.estimateUrl, this.body, asking.signal);
        const answer = await documentOf(response);
        if (response.ok) Object.assign(this, { priceText: answer.price, quantityText: answer.quantity });
        else this.showErrors(answer?.errors);
      } catch {
        // Superseded by a newer question, or no answer: running the model asks the server again anyway.
      }
      if (this.asking === asking) this.estimating = false;
    },

    get priceClass() {
      return { "opacity-60": this.estimating };
    },

    get body() {
      return { input: this.input, ...(this.contract && { contract: this.contract }) };
    },

    /**
     * @param {string} url
     * @param {unknown} body
     * @param {AbortSignal} [signal]
     */
    post(url, body, signal) {
      const headers = { "Content-Type": "application/json", Accept: "application/json", ...this.csrf() };
      return fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
    },

    /**
     * Ask what a run cost in the end, and what of the balance is free now.
     * @returns {Promise<string>} the charge, empty where there was no answer
     */
    async charge() {
      try {
        const response = await fetch(this.urls.charge, { headers: { Accept: "application/json" } });
        const answer = response.ok && !response.redirected ? await documentOf(response) : null;
        if (answer) this.balanceText = answer.balance;
        return answer?.charged ?? "";
      } catch {
        return ""; // the prediction's page shows it
      }
    },

    // --- one run --------------------------------------------------------------------------------------------------
    get idle() {
      return this.phase === "idle" || this.phase === "refused";
    },

    async run() {
      if (this.busy || this.settings.canRun !== "true") return;
      this.read();
      this.begin();
      let response;
      try {
        response = await this.post(this.settings.createUrl, this.body);
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
      this.balanceText = created.balance;
      this.enter("queued");
      // On a narrow screen the picture comes below the form.
      if (this.stage.getBoundingClientRect().top > window.innerHeight / 2) this.stage.scrollIntoView();
      this.follow(created.urls.events);
    },

    csrf() {
      return { "X-CSRFToken": this.control("csrfmiddlewaretoken").value };
    },

    begin() {
      for (const { name } of this.fields) this.clearError(name);
      this.problem = null;
      this.prediction = null;
      this.start("sending");
    },

    lost() {
      this.refuse({
        title: "The connection to the market was lost.",
        detail: "The run goes on; your predictions show its picture and its receipt.",
      });
    },

    async cancel() {
      this.detail = "canceling";
      await this.post(this.urls.cancel, {}).catch(() => {
        this.detail = "the request to cancel did not arrive";
      });
    },

    /** @param {Prediction} prediction */
    async finish(prediction) {
      this.stop(prediction.status);
      const result = { prediction, input: this.input, page: local(this.urls.get), charged: "" };
      this.show(result);
      result.charged = await this.charge();
      if (this.prediction?.id === prediction.id) this.chargedText = result.charged;
      if (prediction.status !== "succeeded") return;
      this.results = [result, ...this.results].slice(0, KEPT_RESULTS);
      sessionStorage.setItem(this.storageKey, JSON.stringify(this.results));
    },

    /** @param {{prediction: Prediction, page: string, charged: string}} result */
    show({ prediction, page, charged }) {
      Object.assign(this, { prediction, page, chargedText: charged });
      this.ended = true;
      const { queue_seconds, load_seconds, run_seconds, total_seconds } = prediction.metrics;
      this.seconds = { queued: queue_seconds ?? 0, loading: load_seconds ?? 0, running: run_seconds ?? 0 };
      this.elapsed = total_seconds ?? this.elapsed;
    },

    /** @param {Event & {currentTarget: HTMLElement}} event */
    again(event) {
      const result = this.results[Number(event.currentTarget.dataset.index)];
      if (this.busy) return;
      this.problem = null;
      this.phase = result.prediction.status;
      this.show(result);
      this.fill(result.input);
      this.estimateSoon();
    },

    /** @param {Problem} problem */
    refuse(problem) {
      this.stop("refused");
      this.problem = problem;
      this.showErrors(problem.errors);
      /** @type {HTMLElement | null} */
      const wrong = this.form.querySelector("[aria-invalid=true]");
      wrong?.focus();
    },

    /**
     * What people see and reach of a field; of a file, the control that holds its address is hidden.
     * @param {string} name
     * @returns {HTMLElement}
     */
    shown(name) {
      return document.getElementById(`input-${name}`) ?? this.control(name);
    },

    /** @param {{field: string, detail: string}[] | undefined} errors */
    showErrors(errors) {
      for (const { field, detail } of errors ?? []) this.showError(field.replace(/^input\./, ""), detail);
    },

    /**
     * @param {string} name
     * @param {string} detail
     */
    showError(name, detail) {
      /** @type {HTMLElement | null} */
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      if (!place) return;
      place.textContent = detail;
      place.hidden = false;
      place.closest("details")?.setAttribute("open", "");
      this.shown(name).setAttribute("aria-invalid", "true");
    },

    /** @param {string} name */
    clearError(name) {
      /** @type {HTMLElement | null} */
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      if (!place) return;
      place.hidden = true;
      this.shown(name).removeAttribute("aria-invalid");
    },

    // --- what is shown --------------------------------------------------------------------------------------------
    get barShown() {
      return this.cancelable || this.prediction !== null;
    },
    /** @returns {string[]} */
    get pictures() {
      const output = this.prediction?.output;
      return Array.isArray(output) ? output.map((address) => local(address)) : [];
    },
    /**
     * The pictures that the shown prediction was given.
     * @returns {string[]}
     */
    get given() {
      if (!this.hasResult) return [];
      const addresses = this.fields
        .filter(({ type }) => type === "file")
        .map(({ name }) => this.prediction.input[name]);
      return addresses.filter(Boolean).map((address) => local(address));
    },
    get hasResult() {
      return this.pictures.length > 0 || this.valueRows.length > 0;
    },
    get stageClass() {
      return this.given.length > 0 || this.pictures.length > 1 ? "grid-cols-2 gap-4" : "gap-1";
    },
    /**
     * An answer that is no file, as names and figures.
     * @returns {{label: string, value: string}[]}
     */
    get valueRows() {
      const output = this.prediction?.output;
      if (output === null || output === undefined || Array.isArray(output)) return [];
      return Object.entries(output).map(([name, value]) => ({ label: words(name), value: figure(value) }));
    },
    get shownPrompt() {
      return this.prediction?.input?.prompt ?? this.input.prompt ?? "Generated picture";
    },
    get failure() {
      const error = this.prediction?.error;
      return error ? { title: "The run failed.", detail: error } : null;
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
      const rows = [
        ["Queued", duration(payload.queue_seconds)],
        ["Loading", duration(payload.load_seconds)],
        ["Running", duration(payload.run_seconds)],
        ["On", payload.device],
        ["Seed", this.prediction.input.seed],
        ["Not billed", payload.not_billed],
      ];
      return rows.filter(([, value]) => value || value === 0).map(([label, value]) => ({ label, value }));
    },
    get signatureShort() {
      return `${(this.prediction?.receipt?.signature ?? "").slice(0, 16)}…`;
    },
    get receiptText() {
      return JSON.stringify(this.prediction?.receipt ?? null);
    },
    /** @returns {{id: string, index: number, url: string, text: string, alt: string}[]} */
    get thumbnails() {
      return this.results.map(({ prediction, input }, index) => {
        const files = Array.isArray(prediction.output);
        return {
          id: prediction.id,
          index,
          url: files ? local(prediction.output[0]) : "",
          text: files ? "" : figure(Object.values(prediction.output)[0]),
          alt: `Show again: ${input.prompt ?? prediction.id}`,
        };
      });
    },
  });
}
