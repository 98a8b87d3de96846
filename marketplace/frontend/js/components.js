// Small Alpine components. Expressions in templates stay within what Alpine's CSP build can read.
import { component } from "./component.js";

/** Tabs over panes: data-tab on the buttons and panes. Arrow keys move between tabs. */
export function tabs() {
  return component({
    current: "",
    init() {
      this.current = this.$root.dataset.first;
    },
    /** @param {string} name */
    isCurrent(name) {
      return this.current === name;
    },
    /** @param {string} name */
    tabIndex(name) {
      return this.current === name ? 0 : -1;
    },
    /** @param {string} name */
    choose(name) {
      this.current = name;
    },
    /** @param {KeyboardEvent & {currentTarget: HTMLElement}} event */
    move(event) {
      /** @type {NodeListOf<HTMLElement>} */
      const found = event.currentTarget.querySelectorAll("[role=tab]");
      const buttons = [...found];
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const next = buttons[(at + step + buttons.length) % buttons.length];
      this.current = next.dataset.tab;
      next.focus();
    },
  });
}

/** A name in addresses that follows the name until it is edited itself. */
export function slug() {
  return component({
    init() {
      /** @type {HTMLInputElement} */
      const name = this.$root.querySelector("[name=name]");
      /** @type {HTMLInputElement} */
      const own = this.$root.querySelector("[name=slug]");
      let follows = own.value === "";
      own.addEventListener("input", () => {
        follows = own.value === "";
      });
      name.addEventListener("input", () => {
        if (!follows) return;
        const plain = name.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
        own.value = plain
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, "-")
          .replace(/^-|-$/g, "")
          .slice(0, 63);
      });
    },
  });
}

/** @param {string} text */
async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without HTTPS there is no clipboard API, except on localhost.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/**
 * Copies data-copy, or the text of the element that data-copy-from selects inside the nearest [data-copy-scope].
 * @param {HTMLElement} button
 */
function copyButton(button) {
  const scope = button.closest("[data-copy-scope]") ?? document;
  const text = button.dataset.copy ?? scope.querySelector(button.dataset.copyFrom).textContent;
  return toClipboard(text).then(() => {
    button.dataset.copied = "";
    const status = button.querySelector("[role=status]");
    if (status) status.textContent = "Copied";
    setTimeout(() => {
      delete button.dataset.copied;
      if (status) status.textContent = "";
    }, 1600);
  });
}

/** @returns {NodeListOf<HTMLDetailsElement>} */
const openMenus = () => document.querySelectorAll("details[data-menu][open]");

/** @param {HTMLElement} opener */
const dialogOf = ({ dataset }) => /** @type {HTMLDialogElement | null} */ (document.getElementById(dataset.openDialog));

/** Behaviour for the whole page, including parts that htmx swaps in later. */
export function listen() {
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    /** @type {HTMLElement | null} */
    const button = target.closest("button.copy");
    if (button) copyButton(button);
    /** @type {HTMLElement | null} */
    const opener = target.closest("[data-open-dialog]");
    if (opener) dialogOf(opener)?.showModal();
    for (const menu of openMenus()) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  const openDialogs = () => {
    /** @type {NodeListOf<HTMLDialogElement>} */
    const closed = document.querySelectorAll("dialog[data-open]:not([open])");
    for (const dialog of closed) {
      delete dialog.dataset.open;
      dialog.showModal();
    }
  };
  openDialogs();
  document.addEventListener("htmx:after:swap", openDialogs);
}
