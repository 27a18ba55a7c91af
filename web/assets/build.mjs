// Makes web/static of the sources here and of the packages in package-lock.json:
//
//   npm ci && node build.mjs [FOLDER]
//
// The same sources and the same lockfile give the same bytes, so CI can compare.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "..", "static"));

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ["start.js", "app.js", "layout.js", "app.css"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
await copyFile(join(here, "icon.svg"), join(out, "icon.svg"));
