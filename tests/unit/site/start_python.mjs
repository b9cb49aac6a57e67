// @ts-check
// Starts Python from the files of a site alone, as the worker does, and prints what it finds, as JSON.
// Usage: node start_python.mjs SITE
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(process.argv[2]);
const at = (/** @type {string} */ path) => join(root, path);
const site = JSON.parse(await readFile(at("site.json"), "utf8"));

/** @type {string[]} */
const fetched = [];
globalThis.fetch = async (/** @type {string | URL | Request} */ url) => {
  fetched.push(String(url));
  throw new Error(`fetched ${url}`);
};

const { loadPyodide } = await import(pathToFileURL(at(site.python.module)).href);
const python = await loadPyodide({
  indexURL: at(site.python.pyodide),
  stdLibURL: at(site.python.standard_library),
  lockFileURL: at(site.python.lock),
  packageBaseUrl: at(site.python.wheels),
  packages: site.python.packages,
});
const found = python.runPython(await readFile(new URL("look_around.py", import.meta.url), "utf8"));
console.log(JSON.stringify({ fetched, ...JSON.parse(found) }));
