// @ts-check
/** Writing where there is no room: browsers that do not throw are not believed. */

import assert from "node:assert/strict";
import test from "node:test";
import { overwrite, whenClosed, writeSome } from "../../web/access-handle.js";

const FULL = { name: "QuotaExceededError" };

/**
 * A file with room for so many bytes, which fails as Chromium 156 does: by a number, and not at all.
 * @param {string} content
 * @param {number} room
 */
function makeFile(content, room) {
  let bytes = [...new TextEncoder().encode(content)];
  return {
    getSize: () => bytes.length,
    read: () => 0,
    write(/** @type {Uint8Array} */ piece, /** @type {{at: number}} */ { at }) {
      if (at + piece.length > room) return 4294967288;
      const half = piece.subarray(0, Math.ceil(piece.length / 2));
      bytes.splice(at, half.length, ...half);
      return half.length;
    },
    truncate(/** @type {number} */ size) {
      if (size <= room) bytes = Array.from({ length: size }, (_, index) => bytes[index] ?? 0);
    },
    close: () => {},
    text: () => new TextDecoder().decode(new Uint8Array(bytes)),
  };
}
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("a number that is no count of bytes is a full storage", () => {
  assert.throws(() => writeSome(makeFile("", 3), encode("four"), 0), FULL);
  assert.equal(writeSome(makeFile("", 4), encode("four"), 0), 2);
});

test("another content takes the place of the one before, whichever is longer", () => {
  for (const [before, after] of [
    ["short", "much longer"],
    ["much longer", "short"],
  ]) {
    const file = makeFile(before, 20);
    overwrite(file, encode(after));
    assert.equal(file.text(), after);
  }
});

test("where there is no room for another content, the one before stays", () => {
  const file = makeFile("short", 6);
  assert.throws(() => overwrite(file, encode("much longer")), FULL);
  assert.equal(file.text(), "short");
});

test("a file that somebody has open is tried again until it is closed", async () => {
  let tries = 0;
  const work = async () => {
    tries += 1;
    if (tries < 3) throw new DOMException("open", "NoModificationAllowedError");
    return "done";
  };
  assert.equal(await whenClosed(work), "done");
  await assert.rejects(
    whenClosed(() => Promise.reject(new DOMException("gone", "NotFoundError"))),
    { name: "NotFoundError" },
  );
});
