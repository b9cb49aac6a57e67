// @ts-check
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { checkModule, checkVersion, KNOWN_VERSION, WasmHeap } from "../../web/wasm-heap.js";
import { FakeModule } from "./fake-module.mjs";

/** @param {FakeModule} module */
function heapOf(module) {
  return new WasmHeap(/** @type {any} */ (module));
}

test("another release of onnxruntime-web is refused by its number", () => {
  checkVersion(KNOWN_VERSION);
  assert.throws(() => checkVersion("1.31.0"), {
    name: "BackendError",
    message: /onnxruntime-web 1\.31\.0 \(expected the module of version 1\.30\.0/,
  });
});

test("a module without one of the functions is refused by its name", () => {
  const module = /** @type {any} */ (new FakeModule());
  checkModule(module);
  module._OrtRun = undefined;
  assert.throws(() => checkModule(module), { name: "BackendError", message: /lacks _OrtRun/ });
});

test("the package that is locked is the known one", async () => {
  const lock = JSON.parse(await readFile(new URL("../../package-lock.json", import.meta.url), "utf8"));
  assert.equal(lock.packages["node_modules/onnxruntime-web"].version, KNOWN_VERSION);
});

test("a tensor is written and read in place", () => {
  const module = new FakeModule();
  const tensor = heapOf(module).allocateTensor("float32", [1, 3], "three numbers");
  /** @type {Float32Array} */ (tensor.elements).set([1, 2, 3]);
  const seen = /** @type {import("./fake-module.mjs").FakeTensor} */ (module.tensors.get(tensor.handle));
  assert.deepEqual([...module.elements(seen)], [1, 2, 3]);
  assert.deepEqual(seen.dims, [1, 3]);
  tensor.release();
  assert.equal(module.allocated.size, 0);
});

test("elements are those of the memory of now, also after it has grown", () => {
  const module = new FakeModule();
  const tensor = heapOf(module).allocateTensor("int32", [1], "a number");
  tensor.elements[0] = 5;
  const { HEAPU8: before } = module;
  module.HEAPU8 = new Uint8Array(2 * before.length);
  module.HEAPU8.set(before);
  before.fill(0);
  assert.equal(tensor.elements[0], 5);
});

test("what has no room is said in bytes", () => {
  const module = new FakeModule();
  module.room = 10;
  assert.throws(() => heapOf(module).allocateTensor("float32", [1, 64], "the keys"), {
    name: "DeviceMemoryError",
    message: /no room for the keys \(expected 256 bytes/,
  });
});
