import { extend } from "./live.js";

// The call that the form stands for, written out in the languages that buyers use.

const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function pythonLiteral(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  return JSON.stringify(value);
}

/** @param {{baseUrl: string, model: string, input: Record<string, unknown>}} call */
function curl({ baseUrl, model, input }) {
  return [
    `curl ${baseUrl}/v1/models/${model}/predictions \\`,
    `  -H "Authorization: Bearer $BOURSE_API_KEY" \\`,
    `  -H "Content-Type: application/json" -H "Prefer: wait" \\`,
    `  -d ${shell(JSON.stringify({ input }, null, 2))}`,
  ].join("\n");
}

function python({ baseUrl, model, input }) {
  const pairs = Object.entries(input).map(([name, value]) => `    ${JSON.stringify(name)}: ${pythonLiteral(value)},`);
  // The client makes files of https addresses only; over plain http its output stays a list of addresses.
  const show = "for picture in output:\n    print(picture)";
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

function javascript({ baseUrl, model, input }) {
  return [
    `import Replicate from "replicate";`,
    "",
    `const bourse = new Replicate({ auth: process.env.BOURSE_API_KEY, baseUrl: ${JSON.stringify(`${baseUrl}/v1`)} });`,
    `const output = await bourse.run(${JSON.stringify(model)}, {`,
    `  input: ${JSON.stringify(input, null, 2).replaceAll("\n", "\n  ")},`,
    "});",
  ].join("\n");
}

/** What shows a call as code; the component brings `call`. */
export function calls() {
  return {
    get curlText() {
      return curl(this.call);
    },
    get pythonText() {
      return python(this.call);
    },
    get javascriptText() {
      return javascript(this.call);
    },
  };
}

/** A call that does not change: `data-source` is the id of its JSON, {model, input}. */
export function call() {
  return extend(calls(), {
    call: { baseUrl: "", model: "", input: {} },
    init() {
      const { baseUrl, source } = this.$root.dataset;
      this.call = { baseUrl, ...JSON.parse(document.getElementById(source).textContent) };
    },
  });
}
