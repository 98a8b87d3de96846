// A field that takes a picture: a drop zone that uploads at once, and a preview of the picture.
//
// The form's own control is a hidden one that holds the address of the picture; it hears `fill` when the playground
// puts a value into it, and says `input` when a picture was chosen here.
import { documentOf } from "./answers.js";
import { component } from "./component.js";
import { local } from "./live.js";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
const LARGEST = 20_000_000; // bytes; the server counts again

/** @param {Response} response */
async function reasonOf(response) {
  const problem = await documentOf(response);
  return problem?.errors?.[0]?.detail ?? problem?.detail ?? `The market answered with status ${response.status}.`;
}

export function picture() {
  return component({
    url: "",
    busy: false,
    over: false,
    message: "",
    details: "",
    // Named here even while empty: what a component does not have itself is set on the one around it.
    uploadUrl: "",
    holder: /** @type {HTMLInputElement} */ (null),
    chooser: /** @type {HTMLInputElement} */ (null),

    init() {
      this.uploadUrl = this.$root.dataset.uploadUrl;
      this.holder = this.$root.querySelector("input[type=hidden]");
      this.chooser = this.$root.querySelector("input[type=file]");
      this.holder.addEventListener("fill", () => this.show(this.holder.value));
      this.show(this.holder.value);
    },

    /**
     * Only what lies on this site can be shown; another address is left to the server to judge.
     * @param {string} address
     */
    show(address) {
      this.url = address.startsWith("/") || address.startsWith(`${location.origin}/`) ? local(address) : "";
      this.message = "";
      this.details = "";
    },

    chosen() {
      const [file] = this.chooser.files;
      this.chooser.value = ""; // so that the same file can be chosen again
      if (file) this.send(file);
    },
    enter() {
      this.over = true;
    },
    leave() {
      this.over = false;
    },
    /** @param {DragEvent} event */
    drop(event) {
      this.over = false;
      const [file] = event.dataTransfer.files;
      if (file) this.send(file);
    },

    /** @param {File} file */
    async send(file) {
      if (this.busy) return;
      if (!TYPES.includes(file.type)) return this.refuse(`“${file.name}” is no PNG, JPEG or WebP picture.`);
      if (file.size > LARGEST) return this.refuse(`“${file.name}” has more than ${LARGEST / 1e6} MB; make it smaller.`);
      this.busy = true;
      this.message = "";
      const form = new FormData();
      form.append("content", file);
      try {
        const response = await fetch(this.uploadUrl, { method: "POST", body: form });
        if (!response.ok) return this.refuse(`“${file.name}” ${await reasonOf(response)}`);
        const kept = await response.json();
        this.set(local(kept.urls.download));
        this.details = `${file.name}, ${kept.width} × ${kept.height}`;
      } catch {
        this.refuse("The picture did not arrive. Check the connection and choose it again.");
      } finally {
        this.busy = false;
      }
    },

    /** @param {string} message */
    refuse(message) {
      this.message = message;
    },

    clear() {
      this.set("");
      this.chooser.focus();
    },

    /** @param {string} address */
    set(address) {
      this.holder.value = address;
      this.show(address);
      this.holder.dispatchEvent(new Event("input", { bubbles: true }));
    },

    get filled() {
      return this.url !== "";
    },
    get zoneClass() {
      return { "is-over": this.over, "is-filled": this.filled };
    },
    get prompt() {
      if (this.busy) return "Uploading…";
      return this.filled ? "Choose another picture" : "Drop a picture here, or choose one";
    },
  });
}
