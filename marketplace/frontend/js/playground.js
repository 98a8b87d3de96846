// The playground: form ⇄ address ⇄ code, one run at a time, its live bar, its picture and its receipt.
//
// The form is rendered by the server from the version's input schema; live.js follows the run.
import { documentOf } from "./answers.js";
import { duration, microOf, money } from "./format.js";
import { extend, live, local } from "./live.js";
import { calls } from "./snippets.js";

/**
 * @typedef {import("./live.js").Prediction} Prediction
 * @typedef {{name: string, type: string, default?: any, required: boolean, choices?: unknown[]}} Field
 * @typedef {{title: string, detail: string, errors?: {field: string, detail: string}[]}} Problem
 * @typedef {{prediction: Prediction, input: Record<string, any>, page: string}} Result
 */

const KEPT_RESULTS = 16;

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
    balanceMicro: /** @type {number | null} */ (null),
    contract: "",
    unitPriceMicro: 0,
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
      this.balanceMicro = data.balanceMicro ? Number(data.balanceMicro) : null;
      this.storageKey = `results:${data.model}`;
      this.results = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
      const asked = Object.fromEntries(new URLSearchParams(location.search));
      // The page opens with the first example's inputs beside its picture, ready to run.
      const { seed, ...first } = JSON.parse(data.firstInput || "{}");
      this.fill(location.search ? asked : first);
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
      this.unitPriceMicro = Number(pays?.dataset.priceMicro ?? this.settings.unitPriceMicro);
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
    get currency() {
      return this.settings.currency;
    },
    get priceText() {
      const outputs =
        Number.isInteger(this.input.num_outputs) && this.input.num_outputs > 0 ? this.input.num_outputs : 1;
      return money(this.unitPriceMicro * outputs, this.currency);
    },
    get balanceText() {
      return money(this.balanceMicro, this.currency);
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
        response = await fetch(this.settings.createUrl, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", ...this.csrf() },
          body: JSON.stringify({ input: this.input, ...(this.contract && { contract: this.contract }) }),
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
      this.balanceMicro = created.balance_micro;
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
      const headers = { "Content-Type": "application/json", Accept: "application/json", ...this.csrf() };
      await fetch(this.urls.cancel, { method: "POST", headers, body: "{}" }).catch(() => {
        this.detail = "the request to cancel did not arrive";
      });
    },

    /** @param {Prediction} prediction */
    finish(prediction) {
      this.stop(prediction.status);
      this.show(prediction, local(this.urls.get));
      const { held, charged, contract } = prediction.receipt.payload;
      // Money that was held and not charged is released, unless a reviewer has yet to decide.
      if (contract?.outcome !== "observing") this.balanceMicro += microOf(held) - microOf(charged);
      if (prediction.status !== "succeeded") return;
      this.results = [{ prediction, input: this.input, page: this.page }, ...this.results].slice(0, KEPT_RESULTS);
      sessionStorage.setItem(this.storageKey, JSON.stringify(this.results));
    },

    /**
     * @param {Prediction} prediction
     * @param {string} page
     */
    show(prediction, page) {
      this.prediction = prediction;
      this.page = page;
      this.ended = true;
      const { queue_seconds, load_seconds, run_seconds, total_seconds } = prediction.metrics;
      this.seconds = { queued: queue_seconds ?? 0, loading: load_seconds ?? 0, running: run_seconds ?? 0 };
      this.elapsed = total_seconds ?? this.elapsed;
    },

    /** @param {Event & {currentTarget: HTMLElement}} event */
    again(event) {
      const { prediction, input, page } = this.results[Number(event.currentTarget.dataset.index)];
      if (this.busy) return;
      this.problem = null;
      this.phase = prediction.status;
      this.show(prediction, page);
      this.fill(input);
    },

    /** @param {Problem} problem */
    refuse(problem) {
      this.stop("refused");
      this.problem = problem;
      for (const { field, detail } of problem.errors ?? []) this.showError(field.replace(/^input\./, ""), detail);
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
    get chargedText() {
      const payload = this.prediction?.receipt?.payload;
      return payload ? money(microOf(payload.charged), payload.currency) : "";
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
