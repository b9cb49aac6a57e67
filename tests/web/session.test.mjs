// @ts-check
/** What onnxruntime-web and the browser refuse is said by name, with what to do. */

import assert from "node:assert/strict";
import test from "node:test";
import { allocateBytes } from "../../web/memory.js";
import { createSession } from "../../web/session.js";

const NAMES = { file: "graphs/webgpu-f32.0123.onnx", elsewhere: "WASM" };

/** @param {unknown} cause */
function failing(cause) {
  const ort = /** @type {any} */ ({ InferenceSession: { create: () => Promise.reject(cause) } });
  return createSession(ort, new Uint8Array(1), {}, NAMES);
}

test("the session is onnxruntime's own", async () => {
  const session = {};
  const ort = /** @type {any} */ ({ InferenceSession: { create: async () => session } });
  assert.equal(await createSession(ort, new Uint8Array(1), {}, NAMES), session);
});

test("a graph that cannot be run is named, with onnxruntime's words and another backend", async () => {
  await assert.rejects(failing(new Error("no kernel for Foo")), {
    name: "BackendError",
    message: /webgpu-f32\.0123\.onnx: no kernel for Foo.*WASM in the Settings/,
  });
});

for (const cause of [
  new Error("std::bad_alloc"),
  new RangeError("Array buffer allocation failed"),
  "Aborted(OOM)",
  new Error("Could not allocate memory"),
]) {
  test(`${cause} is a lack of memory`, async () => {
    await assert.rejects(failing(cause), { name: "DeviceMemoryError", message: /smaller model/ });
  });
}

test("an allocation that fails says for what and how much", () => {
  const bytes = Number.MAX_SAFE_INTEGER;
  assert.throws(() => allocateBytes(bytes, "the model's weights"), {
    name: "DeviceMemoryError",
    message: new RegExp(`no room for the model's weights.*expected ${bytes} bytes`),
  });
});
