// A page in memory for the components to work on: happy-dom's document as the globals that a browser has.
import { Window } from "happy-dom";

const SHARED = ["document", "location", "history", "sessionStorage", "navigator", "Event", "KeyboardEvent", "FormData"];
const CLASSES = ["HTMLElement", "HTMLInputElement", "HTMLTextAreaElement", "Image", "File", "CSS"];

/** Open a page with this body at this address, and answer its requests with `answer(address, options)`. */
export function open(body, { url = "https://market.test/", answer = () => assertNoRequest() } = {}) {
  const window = new Window({ url });
  for (const name of [...SHARED, ...CLASSES]) {
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
  }
  globalThis.window = window;
  globalThis.addEventListener = window.addEventListener.bind(window);
  globalThis.fetch = async (...request) => answer(...request);
  document.body.innerHTML = body;
  return window;
}

function assertNoRequest() {
  throw new Error("this page makes no request");
}

/** A component started on the element with id `root`, as Alpine starts it. */
export function start(make) {
  const component = make();
  component.$root = document.getElementById("root");
  component.init?.();
  return component;
}

/** An answer of the market. */
export function json(body, status = 200) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

/** A key press whose target is the page's body. */
export function key(name, options = {}) {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...options });
  document.body.dispatchEvent(event);
  return event;
}
