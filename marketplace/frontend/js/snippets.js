import { component } from "./component.js";
import { extend } from "./live.js";

// The call that the form stands for, written out in the languages that buyers use.

/**
 * A call as it stands in a form. `files` names the fields that take a file, `value` says that it answers with no file.
 * @typedef {{baseUrl: string, model: string, input: Record<string, unknown>, files?: string[], value?: boolean}} Call
 */

/** @param {string} text */
const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** @param {unknown} value */
function pythonLiteral(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  return JSON.stringify(value);
}

/**
 * The file on the caller's disk that a field's value stands for in code.
 * @param {string} field
 */
const fileName = (field) => `${field}.png`;

/**
 * The fields of a call, those that are files first.
 * @param {Call} call
 * @returns {[string, unknown][]}
 */
function entries({ input, files = [] }) {
  const others = Object.entries(input).filter(([name]) => !files.includes(name));
  return [...files.map((name) => /** @type {[string, unknown]} */ ([name, null])), ...others];
}

/** @param {Call} call */
function curl(call) {
  const { baseUrl, model, input, files = [] } = call;
  const head = [
    `curl ${baseUrl}/v1/models/${model}/predictions \\`,
    `  -H "Authorization: Bearer $BOURSE_API_KEY" \\`,
    `  -H "Content-Type: application/json" -H "Prefer: wait" \\`,
  ];
  if (files.length === 0) return [...head, `  -d ${shell(JSON.stringify({ input }, null, 2))}`].join("\n");
  // A picture is too long for a command's argument, so the body is written into a pipe: text, file, text.
  const lines = ["{"];
  let text = `{"input": {`;
  for (const [position, [name, value]] of entries(call).entries()) {
    text += `${position ? ", " : ""}${JSON.stringify(name)}: `;
    if (files.includes(name)) {
      lines.push(
        `  printf %s ${shell(`${text}"data:image/png;base64,`)}`,
        `  base64 < ${fileName(name)} | tr -d '\\n'`,
      );
      text = `"`;
    } else text += JSON.stringify(value);
  }
  lines.push(`  printf %s ${shell(`${text}}}`)}`);
  return [...lines, `} | ${head[0]}`, ...head.slice(1), "  -d @-"].join("\n");
}

/** @param {Call} call */
function python(call) {
  const { baseUrl, model, files = [], value: answersWithValue } = call;
  const pairs = entries(call).map(([name, value]) => {
    const text = files.includes(name) ? `open(${JSON.stringify(fileName(name))}, "rb")` : pythonLiteral(value);
    return `    ${JSON.stringify(name)}: ${text},`;
  });
  // The client makes files of https addresses only; over plain http its output stays a list of addresses.
  const show = answersWithValue ? "print(output)" : "for picture in output:\n    print(picture)";
  return [
    "import os, replicate",
    "",
    `bourse = replicate.Client(base_url=${JSON.stringify(baseUrl)}, api_token=os.environ["BOURSE_API_KEY"])`,
    `output = bourse.run(${JSON.stringify(model)}, input={`,
    ...pairs,
    "})",
    show,
  ].join("\n");
}

/** @param {Call} call */
function javascript(call) {
  const { baseUrl, model, files = [] } = call;
  const pairs = entries(call).map(([name, value]) => {
    const text = files.includes(name) ? `await readFile(${JSON.stringify(fileName(name))})` : JSON.stringify(value);
    return `    ${JSON.stringify(name)}: ${text},`;
  });
  return [
    ...(files.length ? [`import { readFile } from "node:fs/promises";`] : []),
    `import Replicate from "replicate";`,
    "",
    `const bourse = new Replicate({ auth: process.env.BOURSE_API_KEY, baseUrl: ${JSON.stringify(`${baseUrl}/v1`)} });`,
    `const output = await bourse.run(${JSON.stringify(model)}, {`,
    "  input: {",
    ...pairs,
    "  },",
    "});",
  ].join("\n");
}

/** What shows a call as code; the component brings its own `call`. */
export function calls() {
  return component({
    call: /** @type {Call} */ ({ baseUrl: "", model: "", input: {} }),
    get curlText() {
      return curl(this.call);
    },
    get pythonText() {
      return python(this.call);
    },
    get javascriptText() {
      return javascript(this.call);
    },
  });
}

/** A call that does not change: `data-source` is the id of its JSON, {model, input}. */
export function call() {
  return extend(calls(), {
    init() {
      const { baseUrl, source } = this.$root.dataset;
      this.call = { baseUrl, ...JSON.parse(document.getElementById(source).textContent) };
    },
  });
}
