// Builds marketplace/static/: one stylesheet, one script, the fonts, the icon sprite and the mark.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const modules = join(root, "node_modules");
const output = join(root, "marketplace", "static");

const FONTS = {
  "inter-latin.woff2": "inter/files/inter-latin-wght-normal.woff2",
  "inter-latin-ext.woff2": "inter/files/inter-latin-ext-wght-normal.woff2",
  "fraunces-latin.woff2": "fraunces/files/fraunces-latin-opsz-normal.woff2",
  "fraunces-latin-ext.woff2": "fraunces/files/fraunces-latin-ext-opsz-normal.woff2",
  "jetbrains-mono-latin.woff2": "jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
};

async function stylesheet() {
  const cli = join(modules, "@tailwindcss", "cli", "dist", "index.mjs");
  const args = [cli, "--input", join(here, "app.css"), "--output", join(output, "app.css"), "--minify"];
  await promisify(execFile)(process.execPath, args, { cwd: root });
}

async function script() {
  await build({
    entryPoints: [join(here, "js", "app.js")],
    outfile: join(output, "app.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

async function fonts() {
  const folder = join(output, "fonts");
  await mkdir(folder, { recursive: true });
  await Promise.all(
    Object.entries(FONTS).map(([name, path]) => cp(join(modules, "@fontsource-variable", path), join(folder, name))),
  );
}

/** The icon names that templates and template tags use; a name missing from icons.txt fails the build. */
async function usedIcons() {
  const used = new Set();
  const templates = join(root, "templates");
  for (const entry of await readdir(templates, { recursive: true })) {
    if (!entry.endsWith(".html")) continue;
    const text = await readFile(join(templates, entry), "utf8");
    for (const [, name] of text.matchAll(/{% icon "([a-z0-9-]+)"/g)) used.add(name);
  }
  return used;
}

async function icons() {
  const names = (await readFile(join(here, "icons.txt"), "utf8")).split("\n").filter(Boolean);
  const missing = [...(await usedIcons())].filter((name) => !names.includes(name));
  if (missing.length) throw new Error(`Add to marketplace/frontend/icons.txt: ${missing.join(", ")}`);
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(join(modules, "lucide-static", "icons", `${name}.svg`), "utf8");
      const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
      return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
    }),
  );
  await writeFile(join(output, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
await Promise.all([
  stylesheet(),
  script(),
  fonts(),
  icons(),
  cp(join(here, "favicon.svg"), join(output, "favicon.svg")),
]);
