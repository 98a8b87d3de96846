// The reviewer's page: one picture at a time, accepted or rejected by a key or a tap. A verdict moves money at once, so
// it is final; the line above the picture shows what the last key did.
import { documentOf } from "./answers.js";
import { component } from "./component.js";

/**
 * @typedef {{url: string, prompt: string, until: string, prediction: string, position: number, of: number}} Item
 * @typedef {"accepted" | "rejected"} Verdict
 * @typedef {{prediction: string, position: number, verdict: Verdict, reason?: string}} Decision
 */

/** @type {Record<string, string>} */
const WORDS = { accepted: "Accepted", rejected: "Rejected" };

export function reviewer() {
  return component({
    items: /** @type {Item[]} */ ([]),
    amounts: /** @type {string[]} */ ([]), // what accepting none, one, two … of the items costs
    index: 0,
    verdicts: /** @type {Record<number, Verdict>} */ ({}),
    verdictUrl: "",
    reason: "",
    last: "",
    trouble: "",
    sending: false,
    accepted: 0,
    rejected: 0,
    acceptedHere: 0,

    init() {
      const { verdictUrl, accepted, rejected } = this.$root.dataset;
      this.verdictUrl = verdictUrl;
      this.accepted = Number(accepted);
      this.rejected = Number(rejected);
      this.last = this.$root.querySelector("[role=status]")?.textContent ?? "";
      this.items = JSON.parse(document.getElementById("review-items").textContent);
      this.amounts = JSON.parse(document.getElementById("review-amounts").textContent);
      this.preload();
    },

    // --- what is shown --------------------------------------------------------------------------------------------
    get item() {
      return this.items[this.index];
    },
    get url() {
      return this.item?.url ?? "";
    },
    get prompt() {
      return this.item?.prompt ?? "";
    },
    get until() {
      return this.item?.until ?? "";
    },
    get which() {
      return this.item && this.item.of > 1 ? `Picture ${this.item.position + 1} of ${this.item.of} of this call.` : "";
    },
    get place() {
      return `${this.index + 1} of ${this.items.length}`;
    },
    get verdict() {
      return this.verdicts[this.index] ?? "";
    },
    get verdictText() {
      return `${WORDS[this.verdict]}. A verdict is final.`;
    },
    get locked() {
      return this.sending || this.verdict !== "";
    },
    get left() {
      return this.items.length - Object.keys(this.verdicts).length;
    },
    get finished() {
      return this.items.length > 0 && this.left === 0;
    },
    get showing() {
      return !this.finished;
    },
    get acceptedText() {
      return this.amounts[this.acceptedHere] ?? "";
    },
    get summary() {
      const here = Object.values(this.verdicts);
      const rejected = here.filter((verdict) => verdict === "rejected").length;
      return `${this.acceptedHere} accepted for ${this.acceptedText}, ${rejected} rejected.`;
    },

    // --- moving ---------------------------------------------------------------------------------------------------
    /** @param {number} index */
    go(index) {
      if (index < 0 || index >= this.items.length || this.sending) return;
      this.index = index;
      this.trouble = "";
      this.preload();
    },
    back() {
      this.go(this.index - 1);
    },
    forth() {
      this.go(this.index + 1);
    },
    /** The next picture that is not decided, after this one first. */
    advance() {
      const order = [...this.items.keys()].map((step) => (this.index + 1 + step) % this.items.length);
      const next = order.find((index) => !(index in this.verdicts));
      if (next !== undefined) this.go(next);
    },
    preload() {
      const next = this.items[this.index + 1];
      if (next) new Image().src = next.url;
    },

    /** @param {KeyboardEvent} event */
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || this.finished) return;
      const writes = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (writes) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      /** @type {HTMLInputElement} */
      const reason = this.$root.querySelector("#reason");
      /** @type {Record<string, () => void>} */
      const acts = {
        a: () => this.accept(),
        r: () => this.reject(),
        "/": () => reason.focus(),
        ArrowLeft: () => this.back(),
        ArrowRight: () => this.forth(),
      };
      const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act) return;
      event.preventDefault();
      act();
    },

    // --- deciding -------------------------------------------------------------------------------------------------
    accept() {
      return this.decide("accepted");
    },
    reject() {
      return this.decide("rejected");
    },

    /** @param {Verdict} verdict */
    async decide(verdict) {
      if (this.locked || !this.item) return;
      const { index, item, place } = this;
      this.sending = true;
      this.trouble = "";
      /** @type {Decision} */
      const body = { prediction: item.prediction, position: item.position, verdict };
      if (verdict === "rejected" && this.reason.trim()) body.reason = this.reason.trim();
      const answer = await this.send(body);
      this.sending = false;
      if (!answer) return;
      this.verdicts[index] = verdict;
      this.accepted = answer.accepted;
      this.rejected = answer.rejected;
      if (verdict === "accepted") this.acceptedHere += 1;
      this.last = this.told(place, verdict, answer.outcome, body.reason);
      this.reason = "";
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      this.advance();
    },

    /**
     * @param {string} place
     * @param {Verdict} verdict
     * @param {string} outcome
     * @param {string | undefined} reason
     */
    told(place, verdict, outcome, reason) {
      const because = reason ? ` (${reason})` : "";
      if (verdict === "rejected") return `${place} rejected${because}: it costs nothing.`;
      const when = outcome === "observing" ? "is charged once its call is decided" : "was charged";
      return `${place} accepted: ${this.amounts[1]} ${when}.`;
    },

    /** @param {Decision} body */
    async send(body) {
      /** @type {HTMLInputElement} */
      const token = this.$root.querySelector("[name=csrfmiddlewaretoken]");
      const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token.value };
      try {
        const response = await fetch(this.verdictUrl, { method: "POST", headers, body: JSON.stringify(body) });
        if (response.ok && !response.redirected) return await response.json();
        const problem = await documentOf(response);
        this.trouble = problem?.detail ?? "The verdict was not taken. Reload the page and try again.";
      } catch {
        this.trouble = "No answer from the market. Check the connection, then decide again: nothing is decided twice.";
      }
      return null;
    },
  });
}
