// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyValueNames, nextCapacity } from "../../web/key-value-capacity.js";

test("capacity starts at 512, doubles, and ends at the model's positions", () => {
  assert.equal(nextCapacity(1, 0, 40960), 512);
  assert.equal(nextCapacity(513, 512, 40960), 1024);
  assert.equal(nextCapacity(5000, 512, 40960), 8192);
  assert.equal(nextCapacity(33000, 32768, 40960), 40960);
  assert.equal(nextCapacity(5, 0, 100), 100);
});

test("names go layer by layer, keys before values", () => {
  assert.deepEqual(
    keyValueNames(2).map(({ present }) => present),
    ["present.0.key", "present.0.value", "present.1.key", "present.1.value"],
  );
  assert.equal(keyValueNames(1)[1].past, "past_key_values.0.value");
});
