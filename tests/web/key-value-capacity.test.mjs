// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { doubled, gentlyGrown, keyValueNames, nextCapacity } from "../../web/key-value-capacity.js";

test("capacity starts at 512, doubles, and ends at the model's positions", () => {
  assert.equal(nextCapacity(1, 0, 40960, doubled), 512);
  assert.equal(nextCapacity(513, 512, 40960, doubled), 1024);
  assert.equal(nextCapacity(5000, 512, 40960, doubled), 8192);
  assert.equal(nextCapacity(33000, 32768, 40960, doubled), 40960);
  assert.equal(nextCapacity(5, 0, 100, doubled), 100);
});

/** Every capacity that a cache goes through while tokens come one by one. @param {number} greatest */
function capacitiesUpTo(greatest) {
  const capacities = [0];
  for (let capacity = 0; capacity < greatest; capacities.push(capacity)) {
    capacity = nextCapacity(capacity + 1, capacity, greatest, gentlyGrown);
  }
  return capacities.slice(1);
}

test("a gentle cache doubles up to 2048, then adds a quarter", () => {
  assert.deepEqual(capacitiesUpTo(40960).slice(0, 6), [512, 1024, 2048, 2560, 3328, 4352]);
  assert.equal(nextCapacity(2060, 0, 40960, gentlyGrown), 2560);
  assert.equal(nextCapacity(40000, 39000, 40960, gentlyGrown), 40960);
});

test("growing gently to the last position copies fewer than five rows for each that it holds", () => {
  const capacities = capacitiesUpTo(40960);
  assert.equal(capacities.at(-1), 40960);
  const copied = capacities.slice(0, -1).reduce((sum, capacity) => sum + capacity, 0);
  assert.ok(copied < 5 * 40960, `${copied} rows were copied`);
});

test("names go layer by layer, keys before values", () => {
  assert.deepEqual(
    keyValueNames(2).map(({ present }) => present),
    ["present.0.key", "present.0.value", "present.1.key", "present.1.value"],
  );
  assert.equal(keyValueNames(1)[1].past, "past_key_values.0.value");
});
