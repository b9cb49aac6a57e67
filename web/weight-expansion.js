// @ts-check
/**
 * One matrix of blockwise codes as int8 with a scale per output channel, transposed: the arithmetic of the `wasm` graph's
 * weights.
 *
 *     codes [N, K/B, B × bits/8] uint8 · scales [N, K/B] f16    →    weight [K, N] int8 · weight_scales [N] f32
 *
 * Follows docs/contracts.md, "Graphs", to the bit: arithmetic in float64, `s` rounded to float32, round half up.
 * Knows nothing about files or threads.
 *
 * @module
 */

const LARGEST_BLOCK_SIZE = 128;
// The target is transposed: rows are gathered 64 at a time so that writes are whole cache lines.
const TILE_ROWS = 64;

/**
 * @typedef {object} BlockTensor
 * @property {number} rows
 * @property {number} columns
 * @property {number} bits  of a code: 4 or 8
 * @property {number} blockSize
 * @property {Uint8Array} codes
 * @property {Uint16Array} scales  the bits of float16
 * @property {Float32Array | null} inputFactors  [K], what the graph multiplies inputs by; null: nothing
 */

/** @typedef {{weight: Int8Array<ArrayBuffer>, weightScales: Float32Array<ArrayBuffer>}} Int8Tensor */

/**
 * @param {BlockTensor} source
 * @param {(weights: number) => void} [onProgress]  how many are done
 * @returns {Int8Tensor}
 */
export function expandTensor(source, onProgress = () => {}) {
  const weight = new Int8Array(source.rows * source.columns);
  const weightScales = new Float32Array(source.rows);
  const channels = smoothedChannels(source);
  for (let row = 0; row < source.rows; row += TILE_ROWS) {
    const rows = Math.min(TILE_ROWS, source.rows - row);
    expandRows(source, channels, weight, weightScales, row, rows);
    onProgress((row + rows) * source.columns);
  }
  return { weight, weightScales };
}

/**
 * Expands `rows` rows (at most TILE_ROWS) from `row` on.
 *
 * @param {BlockTensor} source
 * @param {number[][]} channels  whose inputs have a factor, by block
 * @param {Int8Array} weight  [K, N]
 * @param {Float32Array} weightScales  [N]
 * @param {number} row
 * @param {number} rows
 */
function expandRows(source, channels, weight, weightScales, row, rows) {
  const { rows: outputs, columns, bits, blockSize, codes, scales } = source;
  const blocks = columns / blockSize;
  const allChannels = channels.flat();
  for (let r = 0; r < rows; r++) {
    rowScale[r] = scaleOfRow(source, row + r, allChannels);
    weightScales[row + r] = rowScale[r];
  }
  for (let block = 0; block < blocks; block++) {
    for (let r = 0; r < rows; r++) {
      const index = (row + r) * blocks + block;
      const scale = FLOAT16[scales[index]];
      if (bits === 4) fillColumn4(codes, (index * blockSize) / 2, blockSize, scale, r);
      else fillColumn8(codes, index * blockSize, blockSize, scale, r);
      correctColumn(source, row + r, block, channels[block], r);
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

/**
 * Weights of one row that meet inputs with a factor other than 1, as column `r` of the tile.
 *
 * @param {BlockTensor} source
 * @param {number} row
 * @param {number} block  of the row
 * @param {number[]} channels  in the block
 * @param {number} r
 */
function correctColumn(source, row, block, channels, r) {
  for (const k of channels) {
    tile[(k - block * source.blockSize) * TILE_ROWS + r] = Math.floor(
      smoothedWeight(source, row, k) / rowScale[r] + 0.5,
    );
  }
}

/**
 * @param {BlockTensor} source
 * @param {number} row
 * @param {number} k
 */
function smoothedWeight({ columns, bits, blockSize, codes, scales, inputFactors }, row, k) {
  const index = row * columns + k;
  const code = bits === 8 ? codes[index] : (codes[index >> 1] >> (4 * (index & 1))) & 15;
  const weight = (code - (1 << (bits - 1))) * FLOAT16[scales[Math.floor(index / blockSize)]];
  return inputFactors === null ? weight : weight / inputFactors[k];
}

/**
 * The channels whose factor is not 1, by block.
 *
 * @param {BlockTensor} source
 * @returns {number[][]}
 */
function smoothedChannels({ columns, blockSize, inputFactors }) {
  const blocks = Array.from({ length: columns / blockSize }, () => /** @type {number[]} */ ([]));
  inputFactors?.forEach((factor, k) => {
    if (factor !== 1) blocks[Math.floor(k / blockSize)].push(k);
  });
  return blocks;
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
 * @param {number[]} channels  whose inputs have a factor
 */
function scaleOfRow(source, row, channels) {
  const { columns, bits, blockSize, codes, scales } = source;
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
  // factors are at most 1: these weights only grow
  for (const k of channels) greatest = Math.max(greatest, Math.abs(smoothedWeight(source, row, k)));
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
