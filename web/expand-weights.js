// @ts-check
/**
 * Makes the `wasm` graph's int8 weights out of the shared parts, once, at load.
 *
 *     codes [N, K/B, B × bits/8] uint8 · scales [N, K/B] f16    →    weight [K, N] int8 · weight_scales [N] f32
 *
 * Follows docs/contracts.md, "Graphs", to the bit: arithmetic in float64, `s` rounded to float32, round half up.
 * Knows nothing about sessions or files.
 *
 * @module
 */

import { breathe } from "./breathe.js";
import { allocateBytes } from "./memory.js";

const LARGEST_BLOCK_SIZE = 128;
// The target is transposed: rows are gathered 64 at a time so that writes are whole cache lines.
const TILE_ROWS = 64;
const BREATHE_EVERY_WEIGHTS = 4_000_000;

/**
 * @param {Uint8Array<ArrayBuffer>} weights  weights.bin
 * @param {import("./bundle-store.js").Expanded} expanded
 * @param {(expandedBytes: number) => void} [onProgress]  a part of `expanded.bytes`
 * @returns {Promise<Uint8Array<ArrayBuffer>>} expanded.bin
 */
export async function expandWeights(weights, { bytes, tensors }, onProgress = () => {}) {
  const target = allocateBytes(bytes, "the weights expanded for WASM");
  let done = 0; // weights, a byte each
  let breathed = 0;
  for (const tensor of tensors) {
    const source = readTensor(weights, tensor);
    const weight = new Int8Array(target.buffer, tensor.weight_offset, tensor.rows * tensor.columns);
    const weightScales = new DataView(target.buffer, tensor.weight_scales_offset, tensor.rows * 4);
    for (let row = 0; row < tensor.rows; row += TILE_ROWS) {
      const rows = Math.min(TILE_ROWS, tensor.rows - row);
      expandRows(source, weight, weightScales, row, rows);
      done += rows * tensor.columns;
      if (done - breathed < BREATHE_EVERY_WEIGHTS) continue;
      breathed = done;
      onProgress(done);
      await breathe();
    }
  }
  onProgress(bytes);
  return target;
}

/**
 * @typedef {object} BlockTensor
 * @property {number} rows
 * @property {number} columns
 * @property {number} bits  of a code: 4 or 8
 * @property {number} blockSize
 * @property {Uint8Array} codes
 * @property {Uint16Array} scales  the bits of float16
 */

/**
 * @param {Uint8Array<ArrayBuffer>} weights
 * @param {import("./bundle-store.js").ExpandedTensor} tensor
 * @returns {BlockTensor}
 */
function readTensor(weights, { rows, columns, bits, block_size, codes_offset, scales_offset }) {
  const blocks = rows * (columns / block_size);
  const codes = weights.subarray(codes_offset, codes_offset + (rows * columns * bits) / 8);
  // A copy, because the offset need not be even.
  const scales = new Uint16Array(weights.slice(scales_offset, scales_offset + blocks * 2).buffer);
  return { rows, columns, bits, blockSize: block_size, codes, scales };
}

/**
 * Expands `rows` rows (at most TILE_ROWS) from `row` on.
 *
 * @param {BlockTensor} source
 * @param {Int8Array} weight  [K, N]
 * @param {DataView} weightScales  [N] f32
 * @param {number} row
 * @param {number} rows
 */
function expandRows(source, weight, weightScales, row, rows) {
  const { rows: outputs, columns, bits, blockSize, codes, scales } = source;
  const blocks = columns / blockSize;
  for (let r = 0; r < rows; r++) {
    rowScale[r] = scaleOfRow(source, row + r);
    weightScales.setFloat32((row + r) * 4, rowScale[r], true);
  }
  for (let block = 0; block < blocks; block++) {
    for (let r = 0; r < rows; r++) {
      const index = (row + r) * blocks + block;
      const scale = FLOAT16[scales[index]];
      if (bits === 4) fillColumn4(codes, (index * blockSize) / 2, blockSize, scale, r);
      else fillColumn8(codes, index * blockSize, blockSize, scale, r);
    }
    for (let k = 0; k < blockSize; k++) {
      const line = rows === TILE_ROWS ? tileLines[k] : tileLines[k].subarray(0, rows);
      weight.set(line, (block * blockSize + k) * outputs + row);
    }
  }
}

/**
 * One block of one row, as column `r` of the tile.
 *
 * @param {Uint8Array} codes
 * @param {number} offset  of the block's first byte
 * @param {number} blockSize
 * @param {number} scale  of the block
 * @param {number} r
 */
function fillColumn4(codes, offset, blockSize, scale, r) {
  for (let code = 0; code < 16; code++) table[code] = Math.floor(((code - 8) * scale) / rowScale[r] + 0.5);
  for (let j = 0; j < blockSize / 2; j++) {
    const byte = codes[offset + j];
    tile[2 * j * TILE_ROWS + r] = table[byte & 15];
    tile[(2 * j + 1) * TILE_ROWS + r] = table[byte >> 4];
  }
}

/** @type {typeof fillColumn4} */
function fillColumn8(codes, offset, blockSize, scale, r) {
  for (let j = 0; j < blockSize; j++) {
    tile[j * TILE_ROWS + r] = Math.floor(((codes[offset + j] - 128) * scale) / rowScale[r] + 0.5);
  }
}

const table = new Int8Array(16);
const rowScale = new Float32Array(TILE_ROWS);
const tile = new Int8Array(LARGEST_BLOCK_SIZE * TILE_ROWS);
const tileLines = Array.from({ length: LARGEST_BLOCK_SIZE }, (_, k) =>
  tile.subarray(k * TILE_ROWS, (k + 1) * TILE_ROWS),
);
/** float16 bits → value */
const FLOAT16 = Float32Array.from({ length: 65536 }, (_, bits) => float16ToNumber(bits));

/**
 * `max |w| / 127` of one row as float32, 1 when all its weights are 0.
 *
 * @param {BlockTensor} source
 * @param {number} row
 */
function scaleOfRow({ columns, bits, blockSize, codes, scales }, row) {
  const blocks = columns / blockSize;
  const zeroPoint = 2 ** (bits - 1);
  const blockBytes = (blockSize * bits) / 8;
  let greatest = 0;
  for (let block = row * blocks; block < (row + 1) * blocks; block++) {
    let low = zeroPoint;
    let high = zeroPoint;
    for (let i = block * blockBytes; i < (block + 1) * blockBytes; i++) {
      const first = bits === 4 ? codes[i] & 15 : codes[i];
      const second = bits === 4 ? codes[i] >> 4 : first;
      low = Math.min(low, first, second);
      high = Math.max(high, first, second);
    }
    const farthest = Math.max(zeroPoint - low, high - zeroPoint);
    greatest = Math.max(greatest, farthest * Math.abs(FLOAT16[scales[block]]));
  }
  return greatest === 0 ? 1 : Math.fround(greatest / 127);
}

/** @param {number} bits */
function float16ToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
