// Publishing a folder: choose or drop it, see the files that cannot be published, upload file by file, commit.
//
// The server's rules decide what is refused; files go straight into the blob store by the draft's signed link, a few at
// a time. A file that has come once is not sent again, also after the page was reloaded and the folder chosen again.
import { documentOf } from "./answers.js";
import { component } from "./component.js";
import { duration, filesize } from "./format.js";

/**
 * @typedef {{path: string, file: File}} Found
 * @typedef {"waiting" | "sending" | "done" | "failed" | "refused" | "ignored"} RowState
 * @typedef {{
 *   path: string, size: number, sizeText: string, loaded: number, state: RowState, word: string, reason: string,
 * }} Row
 * @typedef {{upload_url: string, commit_url: string, discard_url: string, sent: string[]}} Draft
 * @typedef {{title?: string, detail: string, errors?: {field: string, detail: string}[]}} Problem
 */

const PARALLEL = 3;
const TRIES = 4;
const FIRST_PAUSE_MS = 1000;
const SPEED_WINDOW_MS = 3000;
const WORDS = { waiting: "Waiting", sending: "Uploading", done: "Uploaded", failed: "Failed", refused: "Refused" };

class Refused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/**
 * All files of dropped folders, with their paths.
 * @param {FileSystemEntry} entry
 * @returns {Promise<Found[]>}
 */
async function filesOf(entry) {
  if (entry.isFile) {
    const single = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const file = await new Promise((resolve, reject) => single.file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Found[]} */
  const found = [];
  for (;;) {
    // It hands over a hundred at a time, at most.
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const inner of entries) found.push(...(await filesOf(inner)));
  }
}

/**
 * The folder that all files lie in, which is not part of their paths in the repository; "" if there is none.
 * @param {Found[]} found
 */
function commonFolder(found) {
  const first = found[0]?.path.split("/")[0] ?? "";
  return found.length > 0 && found.every(({ path }) => path.startsWith(`${first}/`)) ? first : "";
}

/** @param {string} folder */
function nameFrom(folder) {
  return folder
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 63);
}

export function upload() {
  return component({
    phase: "choosing", // choosing, uploading, stopped, committing
    over: false,
    rows: /** @type {Row[]} */ ([]),
    general: /** @type {string[]} */ ([]),
    trouble: "",
    sent: 0,
    speed: 0,
    urls: { check: "", open: "" },
    most: 0,
    form: /** @type {HTMLFormElement} */ (null),
    token: "",
    requests: /** @type {Set<XMLHttpRequest>} */ (new Set()),
    files: /** @type {Map<string, File>} */ (new Map()),
    draft: /** @type {Draft | null} */ (null),
    canceled: false,
    samples: /** @type {[number, number][]} */ ([]), // [milliseconds, bytes sent by then]

    init() {
      const { checkUrl, openUrl, mostFiles } = this.$root.dataset;
      this.urls = { check: checkUrl, open: openUrl };
      this.most = Number(mostFiles);
      this.form = this.$root.querySelector("form");
      this.token = this.control("csrfmiddlewaretoken").value;
      addEventListener("beforeunload", (event) => {
        if (this.phase === "uploading") event.preventDefault();
      });
    },

    /**
     * @param {string} name
     * @returns {HTMLInputElement}
     */
    control(name) {
      return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
    },

    // --- choosing ---------------------------------------------------------------------------------------------------
    hover() {
      this.over = true;
    },
    leave() {
      this.over = false;
    },
    /** @param {DragEvent} event */
    async drop(event) {
      this.over = false;
      if (!this.choosing) return;
      // The list of items is emptied after the first await. An item that is not a file on disk has no entry.
      const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
      const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
      /** @type {Found[]} */
      const found = [];
      for (const { entry, file } of dropped) {
        if (entry) found.push(...(await filesOf(entry)));
        else if (file) found.push({ path: file.name, file });
      }
      await this.take(found);
    },
    /** @param {Event & {target: HTMLInputElement}} event */
    async pick(event) {
      const found = [...event.target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      event.target.value = ""; // so that the same folder can be chosen again
      await this.take(found);
    },

    /** @param {Found[]} found */
    async take(found) {
      const folder = commonFolder(found);
      const cut = folder ? folder.length + 1 : 0;
      this.files = new Map(found.map(({ path, file }) => [path.slice(cut), file]));
      const paths = [...this.files.keys()].sort();
      this.rows = paths.slice(0, 10 * this.most).map((path) => {
        const { size } = this.files.get(path);
        return { path, size, sizeText: filesize(size), loaded: 0, state: "waiting", word: "", reason: "" };
      });
      this.phase = "choosing";
      const name = this.control("name");
      if (!name.value) name.value = nameFrom(folder);
      await this.attempt(() => this.post(this.urls.check, { files: this.announcement() }));
    },

    announcement() {
      return this.rows.map(({ path, size }) => ({ path, size, modified: this.files.get(path).lastModified }));
    },

    // --- uploading --------------------------------------------------------------------------------------------------
    async start() {
      if (this.rows.length === 0) {
        this.trouble = "Choose a folder first.";
        return;
      }
      if (this.phase === "uploading") return;
      const name = this.control("name").value.trim();
      if (!name) {
        this.trouble = "Give the model a name first.";
        return;
      }
      const opened = await this.attempt(() => this.post(this.urls.open, { name, files: this.announcement() }));
      if (!opened) return;
      this.draft = opened;
      const have = new Set(opened.sent);
      for (const row of this.rows) {
        const done = have.has(row.path);
        Object.assign(row, { loaded: done ? row.size : 0, state: done ? "done" : "waiting", word: "", reason: "" });
      }
      await this.send();
    },

    async send() {
      this.phase = "uploading";
      this.trouble = "";
      this.canceled = false;
      this.samples = [];
      this.count();
      const queue = this.rows.filter(({ state }) => state !== "done" && state !== "ignored");
      const worker = async () => {
        for (let row = queue.shift(); row && !this.canceled; row = queue.shift()) await this.sendOne(row);
      };
      await Promise.all(Array.from({ length: PARALLEL }, worker));
      if (this.canceled) return;
      if (this.rows.some(({ state }) => state === "failed")) {
        this.phase = "stopped";
        this.trouble = "Some files did not come through. What has come is kept.";
        return;
      }
      await this.commit();
    },

    /** @param {Row} row */
    async sendOne(row) {
      Object.assign(row, { state: "sending", word: WORDS.sending, reason: "" });
      for (let number = 1; ; number++) {
        try {
          await this.put(row);
          Object.assign(row, { state: "done", word: WORDS.done, loaded: row.size });
          return;
        } catch (error) {
          if (this.canceled) return;
          const final = error instanceof Refused || number === TRIES;
          row.loaded = 0;
          row.reason = final ? error.message : `${error.message} Trying again.`;
          if (final) {
            Object.assign(row, { state: "failed", word: WORDS.failed });
            return;
          }
          await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (number - 1)));
        } finally {
          this.count();
        }
      }
    },

    /**
     * @param {Row} row
     * @returns {Promise<void>}
     */
    put(row) {
      return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest(); // fetch does not tell how much was sent
        this.requests.add(request);
        request.open("PUT", `${this.draft.upload_url}&path=${encodeURIComponent(row.path)}`);
        request.upload.addEventListener("progress", ({ loaded }) => {
          row.loaded = Math.min(loaded, row.size);
          this.count();
        });
        request.addEventListener("loadend", () => this.requests.delete(request));
        request.addEventListener("error", () => reject(new Error("The connection broke.")));
        request.addEventListener("abort", () => reject(new Error("Canceled.")));
        request.addEventListener("load", () => {
          if (request.status === 200) return resolve();
          /** @type {Problem} */
          let problem = { detail: `The market answered with status ${request.status}.` };
          try {
            problem = JSON.parse(request.responseText);
          } catch {
            // an answer of a proxy, not of the market
          }
          const said = problem.errors?.[0]?.detail ?? problem.detail;
          const known = request.status >= 400 && request.status < 500;
          reject(known ? new Refused({ ...problem, detail: said }) : new Error(said));
        });
        request.send(this.files.get(row.path));
      });
    },

    count() {
      this.sent = this.rows.reduce((sum, { loaded }) => sum + loaded, 0);
      const now = performance.now();
      this.samples.push([now, this.sent]);
      while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_WINDOW_MS) this.samples.shift();
      const [then, before] = this.samples[0];
      this.speed = now > then ? Math.max(0, ((this.sent - before) / (now - then)) * 1000) : 0;
    },

    async commit() {
      this.phase = "committing";
      const message = this.control("message").value;
      const done = await this.attempt(() => this.post(this.draft.commit_url, { message }));
      if (done) location.assign(done.url);
      else this.phase = "stopped";
    },

    async cancel() {
      this.canceled = true;
      for (const request of this.requests) request.abort();
      const draft = this.draft;
      Object.assign(this, { phase: "choosing", rows: [], general: [], trouble: "", sent: 0, speed: 0, draft: null });
      if (draft) await this.attempt(() => this.post(draft.discard_url, {}));
    },

    // --- the server -------------------------------------------------------------------------------------------------
    /**
     * @param {string} url
     * @param {object} body
     */
    async post(url, body) {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": this.token };
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      if (response.redirected) throw new Error("Your session has ended. Sign in again and choose the folder anew.");
      const document = await documentOf(response);
      if (response.ok && document) return document;
      throw new Refused(document ?? { detail: `The market answered with status ${response.status}. Try again.` });
    },

    /**
     * What `ask` answers, or null after its refusal was put where it belongs: at its files, or above them.
     * @template T
     * @param {() => Promise<T>} ask
     * @returns {Promise<T | null>}
     */
    async attempt(ask) {
      this.trouble = "";
      this.general = [];
      for (const row of this.rows) if (row.state === "refused") Object.assign(row, { state: "waiting", word: "" });
      try {
        return await ask();
      } catch (error) {
        const errors = error.problem?.errors ?? [];
        const byPath = new Map(this.rows.map((row) => [row.path, row]));
        for (const { field, detail } of errors) {
          const row = byPath.get(field);
          if (row) Object.assign(row, { state: "refused", word: WORDS.refused, reason: detail });
          else this.general.push(field && field !== "." ? `${field}: ${detail}` : detail);
        }
        this.rows.sort((a, b) => Number(b.state === "refused") - Number(a.state === "refused"));
        const broken = error instanceof TypeError; // fetch raises it when there is no answer
        if (errors.length === 0) this.trouble = broken ? "The market does not answer. Try again." : error.message;
        else this.trouble = error.problem.title ? `${error.problem.title}.` : error.message;
        return null;
      }
    },

    // --- what the page shows ----------------------------------------------------------------------------------------
    get choosing() {
      return this.phase === "choosing" || this.phase === "stopped";
    },
    get uploading() {
      return this.phase === "uploading" || this.phase === "committing";
    },
    get stopped() {
      return this.phase === "stopped";
    },
    get chosen() {
      return this.rows.length > 0;
    },
    /** @returns {boolean} */
    get refusedAny() {
      return this.rows.some(({ state }) => state === "refused");
    },
    get blocked() {
      return !this.choosing || !this.chosen || this.refusedAny;
    },
    /** @returns {number} */
    get total() {
      return this.rows.reduce((sum, { size }) => sum + size, 0);
    },
    get buttonText() {
      return this.stopped ? "Go on" : "Upload and check";
    },
    get summary() {
      const files = `${this.rows.length} file${this.rows.length === 1 ? "" : "s"}, ${filesize(this.total)}`;
      if (this.phase === "committing") return `${files}. All have come; the version is being made.`;
      if (this.phase !== "uploading") return files;
      const left = this.speed > 0 ? `, about ${duration((this.total - this.sent) / this.speed)} left` : "";
      return `${filesize(this.sent)} of ${filesize(this.total)}, ${filesize(Math.round(this.speed))}/s${left}`;
    },
    /** @returns {string} */
    get announcementText() {
      /** @type {Record<string, string>} */
      const texts = { uploading: "Uploading", committing: "All files have come", stopped: this.trouble };
      return texts[this.phase] ?? "";
    },
    get zoneClass() {
      return { "is-over": this.over };
    },
  });
}
