// Small Alpine components. Expressions in templates stay within what Alpine's CSP build can read.

/** Tabs over panes: data-tab on the buttons and panes. Arrow keys move between tabs. */
export function tabs() {
  return {
    current: "",
    init() {
      this.current = this.$root.dataset.first;
    },
    isCurrent(name) {
      return this.current === name;
    },
    tabIndex(name) {
      return this.current === name ? 0 : -1;
    },
    choose(name) {
      this.current = name;
    },
    move(event) {
      const buttons = [...event.currentTarget.querySelectorAll("[role=tab]")];
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
      this.current = next.dataset.tab;
      next.focus();
    },
  };
}

/** A name in addresses that follows the name until it is edited itself. */
export function slug() {
  return {
    init() {
      const name = this.$root.querySelector("[name=name]");
      const own = this.$root.querySelector("[name=slug]");
      let follows = own.value === "";
      own.addEventListener("input", () => (follows = own.value === ""));
      name.addEventListener("input", () => {
        if (!follows) return;
        const plain = name.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
        own.value = plain.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 63);
      });
    },
  };
}

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

/** Copies data-copy, or the text of the element that data-copy-from selects inside the nearest [data-copy-scope]. */
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

/** Behaviour that any part of the page may use, also what htmx swaps in later. */
export function listen() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copyButton(button);
    const opener = event.target.closest("[data-open-dialog]");
    if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  const openDialogs = () => {
    for (const dialog of document.querySelectorAll("dialog[data-open]:not([open])")) {
      delete dialog.dataset.open;
      dialog.showModal();
    }
  };
  openDialogs();
  document.addEventListener("htmx:after:swap", openDialogs);
}
