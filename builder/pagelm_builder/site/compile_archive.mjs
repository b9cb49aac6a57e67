// @ts-check
/**
 * Compiles zip archives of Python sources with the Python that Pyodide is, under Node: no host Python of that version
 * is needed. `compile_archive.py` beside this file does the work; this one only carries bytes in and out.
 *
 *   node compile_archive.mjs PYODIDE_FOLDER (SOURCE_ZIP COMPILED_ZIP)…
 *
 * Every archive gets an interpreter of its own and a fixed hash seed: marshal writes what it does according to how
 * often an object is referenced, so an interpreter that has already compiled something would write other bytes.
 */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [pyodideFolder, ...paths] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(pyodideFolder, "pyodide.mjs")).href);

/**
 * @param {string} source
 * @param {string} compiled
 */
async function compile(source, compiled) {
  const python = await loadPyodide({ env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide" } });
  for (const module of ["archive.py", "compile_archive.py"]) {
    python.FS.writeFile(`/home/pyodide/${module}`, await readFile(join(here, module)));
  }
  python.FS.writeFile("/source.zip", await readFile(source));
  const { compile_archive } = python.pyimport("compile_archive");
  const { Path } = python.pyimport("pathlib");
  compile_archive(Path("/source.zip"), Path("/compiled.zip"));
  await writeFile(compiled, python.FS.readFile("/compiled.zip"));
}

try {
  for (let i = 0; i + 1 < paths.length; i += 2) await compile(paths[i], paths[i + 1]);
} catch (error) {
  // Uncaught, Node would show the source line that threw: the megabyte that is pyodide.asm.mjs.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
