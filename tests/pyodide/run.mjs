// @ts-check
/**
 * Starts Pyodide under Node, unpacks an archive into it and calls one Python function.
 *
 *   node run.mjs PYODIDE_FOLDER ARCHIVE.zip MODULE RESULT.json
 *
 * MODULE.main() returns a JSON string, or an awaitable of one; it is written to RESULT.json. What Python prints goes to
 * stderr. Nothing comes from the network: the folder is that of the npm package.
 */
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import process, { argv } from "node:process";
import { pathToFileURL } from "node:url";

const [pyodideFolder, archive, module, result] = argv.slice(2);

process.on("uncaughtException", (error) => {
  console.error(error.message); // Node would quote the minified line as well, which is all of Pyodide
  process.exit(1);
});

const { loadPyodide } = await import(pathToFileURL(resolve(pyodideFolder, "pyodide.mjs")).href);
const pyodide = await loadPyodide({
  indexURL: resolve(pyodideFolder),
  env: { HOME: "/home/pyodide", PYTEST_DISABLE_PLUGIN_AUTOLOAD: "1" },
  stdout: (/** @type {string} */ line) => console.error(line),
  stderr: (/** @type {string} */ line) => console.error(line),
});
pyodide.unpackArchive(new Uint8Array(await readFile(archive)), "zip", { extractDir: "/repository" });
pyodide.runPython(`
import os, sys
os.chdir("/repository")
sys.path[:0] = ["/repository/packages", "/repository/py_runtime", "/repository/tests/pyodide", "/repository/tests"]
`);
await writeFile(result, await pyodide.pyimport(module).main());
