// The call that the form stands for, written out in the languages that buyers use.

const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function pythonLiteral(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  return JSON.stringify(value);
}

/** @param {{baseUrl: string, model: string, input: Record<string, unknown>}} call */
export function curl({ baseUrl, model, input }) {
  return [
    `curl ${baseUrl}/v1/models/${model}/predictions \\`,
    `  -H "Authorization: Bearer $BOURSE_API_KEY" \\`,
    `  -H "Content-Type: application/json" -H "Prefer: wait" \\`,
    `  -d ${shell(JSON.stringify({ input }, null, 2))}`,
  ].join("\n");
}

export function python({ baseUrl, model, input }) {
  const pairs = Object.entries(input).map(([name, value]) => `    ${JSON.stringify(name)}: ${pythonLiteral(value)},`);
  const ending = input.output_format ?? "png";
  const save =
    input.num_outputs > 1
      ? ["for number, picture in enumerate(output):", `    open(f"picture-{number}.${ending}", "wb").write(picture.read())`]
      : [`open("picture.${ending}", "wb").write(output[0].read())`];
  return [
    "import os, replicate",
    "",
    `bourse = replicate.Client(base_url=${JSON.stringify(baseUrl)}, api_token=os.environ["BOURSE_API_KEY"])`,
    `output = bourse.run(${JSON.stringify(model)}, input={`,
    ...pairs,
    "})",
    ...save,
  ].join("\n");
}

export function javascript({ baseUrl, model, input }) {
  return [
    `import Replicate from "replicate";`,
    "",
    `const bourse = new Replicate({ auth: process.env.BOURSE_API_KEY, baseUrl: ${JSON.stringify(`${baseUrl}/v1`)} });`,
    `const output = await bourse.run(${JSON.stringify(model)}, {`,
    `  input: ${JSON.stringify(input, null, 2).replaceAll("\n", "\n  ")},`,
    "});",
  ].join("\n");
}
