// @ts-check
/**
 * Makes the `wasm` graph's int8 weights out of the shared int4 parts, once, at load.
 *
 *     codes [N, K/32, 16] uint8 · scales [N, K/32] f16    →    weight [K, N] int8 · weight_scales [N] f32
 *
 * Follows docs/contracts.md, "Graphs", to the bit: arithmetic in float64, `s` rounded to float32, round half up.
 * Knows nothing about sessions or files.
 *
 * @module
 */

import { breathe } from "./breathe.js";
import { allocateBytes } from "./memory.js";

const BLOCK_SIZE = 32;
const BLOCK_BYTES = 16;
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
 * @typedef {object} Int4Tensor
 * @property {number} rows
 * @property {number} columns
 * @property {Uint8Array} codes
 * @property {Uint16Array} scales  the bits of float16
 */

/**
 * @param {Uint8Array<ArrayBuffer>} weights
 * @param {import("./bundle-store.js").ExpandedTensor} tensor
 * @returns {Int4Tensor}
 */
function readTensor(weights, { rows, columns, codes_offset, scales_offset }) {
  const blocks = rows * (columns / BLOCK_SIZE);
  const codes = weights.subarray(codes_offset, codes_offset + blocks * BLOCK_BYTES);
  // A copy, because the offset need not be even.
  const scales = new Uint16Array(weights.slice(scales_offset, scales_offset + blocks * 2).buffer);
  return { rows, columns, codes, scales };
}

/**
 * Expands `rows` rows (at most TILE_ROWS) from `row` on.
 *
 * @param {Int4Tensor} source
 * @param {Int8Array} weight  [K, N]
 * @param {DataView} weightScales  [N] f32
 * @param {number} row
 * @param {number} rows
 */
function expandRows({ rows: outputs, columns, codes, scales }, weight, weightScales, row, rows) {
  const blocks = columns / BLOCK_SIZE;
  for (let r = 0; r < rows; r++) {
    rowScale[r] = scaleOfRow(codes, scales, (row + r) * blocks, blocks);
    weightScales.setFloat32((row + r) * 4, rowScale[r], true);
  }
  for (let block = 0; block < blocks; block++) {
    for (let r = 0; r < rows; r++) {
      const index = (row + r) * blocks + block;
      fillTable(FLOAT16[scales[index]], rowScale[r]);
      const byteOffset = index * BLOCK_BYTES;
      for (let j = 0; j < BLOCK_BYTES; j++) {
        const byte = codes[byteOffset + j];
        tile[2 * j * TILE_ROWS + r] = table[byte & 15];
        tile[(2 * j + 1) * TILE_ROWS + r] = table[byte >> 4];
      }
    }
    for (let k = 0; k < BLOCK_SIZE; k++) {
      const line = rows === TILE_ROWS ? tileLines[k] : tileLines[k].subarray(0, rows);
      weight.set(line, (block * BLOCK_SIZE + k) * outputs + row);
    }
  }
}

const table = new Int8Array(16);
const rowScale = new Float32Array(TILE_ROWS);
const tile = new Int8Array(BLOCK_SIZE * TILE_ROWS);
const tileLines = Array.from({ length: BLOCK_SIZE }, (_, k) =>
  tile.subarray(k * TILE_ROWS, (k + 1) * TILE_ROWS),
);
/** float16 bits → value */
const FLOAT16 = Float32Array.from({ length: 65536 }, (_, bits) => float16ToNumber(bits));

/**
 * `max |w| / 127` of one row as float32, 1 when all its weights are 0.
 *
 * @param {Uint8Array} codes
 * @param {Uint16Array} scales
 * @param {number} firstBlock
 * @param {number} blocks
 */
function scaleOfRow(codes, scales, firstBlock, blocks) {
  let greatest = 0;
  for (let block = firstBlock; block < firstBlock + blocks; block++) {
    let low = 8;
    let high = 8;
    for (let i = block * BLOCK_BYTES; i < (block + 1) * BLOCK_BYTES; i++) {
      const first = codes[i] & 15;
      const second = codes[i] >> 4;
      low = Math.min(low, first, second);
      high = Math.max(high, first, second);
    }
    greatest = Math.max(greatest, Math.max(8 - low, high - 8) * Math.abs(FLOAT16[scales[block]]));
  }
  return greatest === 0 ? 1 : Math.fround(greatest / 127);
}

/**
 * All sixteen values that a code of this block can become.
 *
 * @param {number} scale  of the block
 * @param {number} rowScale
 */
function fillTable(scale, rowScale) {
  for (let code = 0; code < 16; code++) {
    table[code] = Math.floor(((code - 8) * scale) / rowScale + 0.5);
  }
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
