// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendUnavailableError, describeError, namePythonFailure } from "../../web/errors.js";

/**
 * @param {string} type
 * @param {string} traceback
 */
function pythonError(type, traceback) {
  return Object.assign(new Error(traceback), { name: "PythonError", type });
}

test("a named error carries problem, expected and remedy in its message", () => {
  const error = new BackendUnavailableError("no GPU", { expected: "a GPU", remedy: "Choose wasm." });
  const { name, message } = describeError(error);
  assert.deepEqual(
    { name, message },
    { name: "BackendUnavailableError", message: "no GPU (expected a GPU). Choose wasm." },
  );
});

test("a Python error loses its traceback from the message but not from the detail", () => {
  const traceback =
    'Traceback (most recent call last):\n  File "engine.py", line 3, in generate\n' +
    "pagelm.errors.ContextOverflowError: the prompt has 9 tokens (expected 1 to 7). Shorten it.\n";
  const error = describeError(pythonError("ContextOverflowError", traceback));
  assert.equal(error.name, "ContextOverflowError");
  assert.equal(error.message, "the prompt has 9 tokens (expected 1 to 7). Shorten it.");
  assert.equal(error.detail, traceback);
});

test("a Python message of several lines stays whole", () => {
  const traceback = "Traceback (most recent call last):\nValueError: first\nsecond: more\n";
  assert.equal(describeError(pythonError("ValueError", traceback)).message, "first\nsecond: more");
});

test("the last exception of a chain is the one that is named", () => {
  const traceback =
    "Traceback (most recent call last):\nKeyError: 'x'\n\nDuring handling of the above exception, another exception" +
    " occurred:\n\nTraceback (most recent call last):\npagelm.errors.TemplateError: bad role\n";
  assert.equal(describeError(pythonError("TemplateError", traceback)).message, "bad role");
});

test("a thrown value that is no Error still becomes a description", () => {
  assert.deepEqual(describeError("oops"), { name: "Error", message: "oops" });
});

test("an exception of Python, or an error raised on purpose, stays what it is", () => {
  const ofPython = pythonError("ContextOverflowError", "pagelm.errors.ContextOverflowError: full");
  const onPurpose = new BackendUnavailableError("no GPU", { expected: "a GPU", remedy: "Choose wasm." });
  assert.equal(namePythonFailure(ofPython), ofPython);
  assert.equal(namePythonFailure(onPurpose), onPurpose);
});

for (const failure of [
  new WebAssembly.RuntimeError("memory access out of bounds"),
  new Error("Pyodide already fatally failed and can no longer be used."),
  "unreachable",
]) {
  test(`${failure} means that the worker is of no more use`, () => {
    const { name, message, detail } = describeError(namePythonFailure(failure));
    assert.equal(name, "WorkerError");
    assert.match(
      message,
      /Python broke down: .*(out of bounds|fatally failed|unreachable).*Load the model again/,
    );
    assert.ok(typeof failure === "string" || detail?.includes("caused by"));
  });
}
