// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseWorkers, expandWeights } from "../../web/expand-weights.js";

/** float16 scales that are exact, odd, negative, subnormal and zero: bits → value */
const SCALES = /** @type {Array<[number, number]>} */ ([
  [0x3c00, 1],
  [0xbc00, -1],
  [0x2e66, 0.0999755859375],
  [0xa3d7, -0.01531219482421875],
  [0x0001, 2 ** -24],
  [0x7bff, 65504],
  [0x0000, 0],
]);

/** A small generator (mulberry32), so that a failure can be repeated. @param {number} seed */
function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Random tensors one after the other, the first from an odd offset on, and their float64 weights.
 * @param {Array<[number, number]>} shapes  rows, columns
 * @param {number} [bits]
 * @param {number} [blockSize]
 * @param {(k: number) => number} [factorOf]  of each input, the same for all tensors; none by default
 */
function makeWeights(shapes, bits = 4, blockSize = 32, factorOf) {
  const random = randomNumbers(7);
  const blockBytes = (blockSize * bits) / 8;
  const end =
    3 + shapes.reduce((sum, [rows, columns]) => sum + rows * (columns / blockSize) * (blockBytes + 2), 0);
  const widest = Math.max(...shapes.map(([, columns]) => columns));
  const factors = Float32Array.from({ length: factorOf ? widest : 0 }, (_, k) => factorOf?.(k) ?? 1);
  const bytes = new Uint8Array(end + factors.byteLength);
  bytes.set(new Uint8Array(factors.buffer), end);
  let source = 3;
  let target = 0;
  /** @type {import("../../web/bundle-store.js").ExpandedTensor[]} */
  const tensors = [];
  /** @type {number[][][]} */
  const dequantized = [];
  for (const [rows, columns] of shapes) {
    const blocks = rows * (columns / blockSize);
    const codes = source;
    const scales = source + blocks * blockBytes;
    source = scales + blocks * 2;
    tensors.push({
      name: `tensor ${tensors.length}`,
      rows,
      columns,
      bits,
      block_size: blockSize,
      codes_offset: codes,
      scales_offset: scales,
      weight_offset: target,
      weight_scales_offset: target + rows * columns,
      ...(factorOf ? { input_factors_offset: end } : {}),
    });
    target += rows * columns + rows * 4;
    const matrix = Array.from({ length: rows }, () => Array(columns).fill(0));
    for (let block = 0; block < blocks; block++) {
      const [scaleBits, scale] = SCALES[Math.floor(random() * SCALES.length)];
      bytes[scales + 2 * block] = scaleBits & 255;
      bytes[scales + 2 * block + 1] = scaleBits >> 8;
      for (let j = 0; j < blockSize; j++) {
        const code = Math.floor(random() * 2 ** bits);
        if (bits === 4) bytes[codes + block * blockBytes + (j >> 1)] |= code << (4 * (j & 1));
        else bytes[codes + block * blockBytes + j] = code;
        const column = (block % (columns / blockSize)) * blockSize + j;
        matrix[Math.floor(block / (columns / blockSize))][column] =
          ((code - 2 ** (bits - 1)) * scale) / (factorOf?.(column) ?? 1);
      }
    }
    dequantized.push(matrix);
  }
  return { bytes, expanded: { external_data: "expanded.bin", bytes: target, tensors }, dequantized };
}

/**
 * All of `expanded.bin`, read as onnxruntime reads it: tensor by tensor.
 * @param {ReturnType<typeof makeWeights>} made
 * @param {(done: number) => void} [onProgress]
 */
async function expandAll({ bytes, expanded }, onProgress) {
  const file = await expandWeights(bytes, expanded, { workers: 0, onProgress });
  const whole = new Uint8Array(file.byteLength);
  for (const { rows, columns, weight_offset, weight_scales_offset } of expanded.tensors) {
    whole.set(file.subarray(weight_offset, weight_offset + rows * columns), weight_offset);
    whole.set(file.subarray(weight_scales_offset, weight_scales_offset + 4 * rows), weight_scales_offset);
  }
  return whole;
}

for (const [rows, columns, bits, blockSize] of [
  [1, 32, 4, 32],
  [64, 64, 4, 32],
  [130, 96, 4, 32],
  [70, 48, 4, 16],
  [3, 128, 4, 64],
  [65, 256, 4, 128],
  [130, 64, 8, 32],
  [5, 128, 8, 128],
]) {
  const format = `${bits} bits in blocks of ${blockSize}`;
  test(`a ${rows} × ${columns} weight of ${format} equals the contract's formula, bit for bit`, () =>
    checkFormula(makeWeights([[rows, columns]], bits, blockSize), rows, columns));
  test(`a ${rows} × ${columns} weight of ${format} is divided by its inputs' factors`, () =>
    checkFormula(makeWeights([[rows, columns]], bits, blockSize, someFactors), rows, columns));
}

/** float32; 1 for most, as in a bundle. @param {number} k */
const someFactors = (k) => (k % 5 === 2 && k < 100 ? Math.fround(2 ** -((1 + (k % 7)) / 4)) : 1);

/**
 * @param {ReturnType<typeof makeWeights>} made
 * @param {number} rows
 * @param {number} columns
 */
async function checkFormula(made, rows, columns) {
  const result = await expandAll(made);
  const weight = new Int8Array(result.buffer, 0, rows * columns);
  const scales = new DataView(result.buffer, rows * columns);
  for (let n = 0; n < rows; n++) {
    const row = made.dequantized[0][n];
    const greatest = Math.max(...row.map(Math.abs));
    const s = greatest === 0 ? 1 : Math.fround(greatest / 127);
    assert.equal(scales.getFloat32(4 * n, true), s);
    for (let k = 0; k < columns; k++) {
      const expected = Math.floor(row[k] / s + 0.5) | 0;
      if (weight[k * rows + n] !== expected)
        assert.fail(`[${k}, ${n}] is ${weight[k * rows + n]}, not ${expected}`);
    }
  }
}

test("several tensors land at their own offsets", async () => {
  const shapes = /** @type {Array<[number, number]>} */ ([
    [8, 32],
    [16, 64],
  ]);
  const together = makeWeights(shapes);
  const result = await expandAll(together);
  for (const tensor of together.expanded.tensors) {
    const bytes = tensor.rows * tensor.columns + 4 * tensor.rows;
    const first = { ...tensor, weight_offset: 0, weight_scales_offset: tensor.rows * tensor.columns };
    const alone = await expandAll({
      ...together,
      expanded: { ...together.expanded, bytes, tensors: [first] },
    });
    assert.deepEqual(result.slice(tensor.weight_offset, tensor.weight_offset + bytes), alone);
  }
});

test("a row of zeros gets scale 1", async () => {
  const made = makeWeights([[1, 32]]);
  made.bytes.fill(0, made.expanded.tensors[0].scales_offset);
  const result = await expandAll(made);
  assert.equal(new DataView(result.buffer).getFloat32(32, true), 1);
  assert.deepEqual([...new Int8Array(result.buffer, 0, 32)], Array(32).fill(0));
});

test("progress ends at the bytes of expanded.bin", async () => {
  const made = makeWeights([
    [8, 32],
    [16, 64],
  ]);
  /** @type {number[]} */
  const steps = [];
  await expandAll(made, (done) => steps.push(done));
  assert.equal(steps.at(-1), made.expanded.bytes);
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  );
});

test("a tensor is given away once, so that it does not exist twice", async () => {
  const { bytes, expanded } = makeWeights([[8, 32]]);
  const file = await expandWeights(bytes, expanded, { workers: 0 });
  assert.equal(file.subarray(0, 256).length, 256);
  assert.throws(() => file.subarray(0, 256), /no tensor from 0 to 256, or it was read before/);
  assert.throws(() => file.subarray(256, 280), /no tensor from 256 to 280/);
});

test("workers are started only for weights that take longer than they do", () => {
  assert.equal(chooseWorkers(1_000_000, 8), 0);
  assert.equal(chooseWorkers(600_000_000, 2), 2);
  assert.equal(chooseWorkers(600_000_000, 16), 4);
  assert.equal(chooseWorkers(600_000_000, 1), 0);
});
