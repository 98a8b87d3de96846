// Voting on pairs of pictures, by keyboard or taps. The server chooses the pair; no model's name is on this page.
import { documentOf } from "./answers.js";
import { component } from "./component.js";

/**
 * @typedef {{key: string, prompt: string, left: string, right: string}} Pair
 * @typedef {{done: number, total: number, current: Pair | null, upcoming: Pair | null, undo: string | null}} Ballot
 */

/** @type {Record<string, string>} */
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie", t: "tie", b: "both_bad", s: "skip" };
const GAUGE = 1000;

export function voting() {
  return component({
    ballot: /** @type {Ballot} */ ({ done: 0, total: 0, current: null, upcoming: null, undo: null }),
    settings: /** @type {DOMStringMap} */ ({}),
    csrf: "",
    listener: /** @type {(event: KeyboardEvent) => void} */ (null),
    ahead: /** @type {HTMLImageElement[]} */ ([]),
    reason: "",
    busy: false,
    trouble: "",

    init() {
      this.settings = { ...this.$root.dataset };
      /** @type {HTMLInputElement} */
      const token = this.$root.querySelector("[name=csrfmiddlewaretoken]");
      this.csrf = token.value;
      this.show(JSON.parse(document.getElementById("ballot").textContent));
      this.listener = (event) => this.key(event);
      document.addEventListener("keydown", this.listener);
    },

    destroy() {
      document.removeEventListener("keydown", this.listener);
    },

    /**
     * Take a ballot, and load the pictures of the pair after it while people look at this one.
     * @param {Ballot} ballot
     */
    show(ballot) {
      this.ballot = ballot;
      this.reason = "";
      this.ahead = [ballot.upcoming?.left, ballot.upcoming?.right].filter(Boolean).map((address) => {
        const image = new Image();
        image.src = address;
        return image;
      });
    },

    get open() {
      return this.ballot.current !== null;
    },
    get finished() {
      return this.ballot.current === null;
    },
    get prompt() {
      return this.ballot.current?.prompt ?? "";
    },
    get left() {
      return this.ballot.current?.left ?? "";
    },
    get right() {
      return this.ballot.current?.right ?? "";
    },
    get progressText() {
      return `${this.ballot.done} of ${this.ballot.total}`;
    },
    get gaugeWidth() {
      return this.ballot.total ? (GAUGE * this.ballot.done) / this.ballot.total : 0;
    },
    get cannotUndo() {
      return this.busy || this.ballot.undo === null;
    },

    /** @param {KeyboardEvent} event */
    key(event) {
      const typing = /** @type {Element} */ (event.target).closest("input, textarea, select, dialog");
      if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (name === "u") return this.undo();
      if (!this.open) return;
      if (name === "r") {
        event.preventDefault();
        document.getElementById("reason").focus();
      } else if (KEYS[name]) {
        event.preventDefault();
        this.answer(KEYS[name]);
      }
    },

    /** @param {Event & {target: HTMLElement}} event */
    leave(event) {
      event.target.blur();
    },

    /** @param {Event & {currentTarget: HTMLElement}} event */
    press(event) {
      this.answer(event.currentTarget.dataset.answer);
    },

    /** @param {string} answer */
    answer(answer) {
      if (!this.open) return;
      this.send(this.settings.voteUrl, { pair: this.ballot.current.key, answer, reason: this.reason });
    },

    undo() {
      if (this.cannotUndo) return;
      this.send(this.settings.undoUrl, { pair: this.ballot.undo });
    },

    /**
     * @param {string} address
     * @param {Record<string, string>} body
     */
    async send(address, body) {
      if (this.busy) return;
      this.busy = true;
      this.trouble = "";
      try {
        const response = await fetch(address, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.csrf },
          body: JSON.stringify(body),
        });
        const answer = await documentOf(response);
        if (response.ok && answer) this.show(answer);
        else
          this.trouble = answer?.detail ?? "The vote was not counted. Reload the page; you may have been signed out.";
      } catch {
        this.trouble = "The market could not be reached. The vote was not counted; answer again.";
      } finally {
        this.busy = false;
      }
    },
  });
}
