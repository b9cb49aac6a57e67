"""Weights expanded on several threads are those that one thread makes."""

from __future__ import annotations

from playwright.sync_api import Page

EXPAND = """async (workers) => {
  const { expandWeights } = await import(new URL("expand-weights.js", document.baseURI).href);
  const shapes = [[130, 64], [96, 96], [33, 160], [64, 32]];
  const tensors = [];
  let source = 0;
  let target = 0;
  for (const [rows, columns] of shapes) {
    const codes_offset = source;
    const scales_offset = source + (rows * columns) / 2;
    source = scales_offset + (rows * columns) / 16;
    const weight_offset = target;
    const weight_scales_offset = target + rows * columns;
    target = weight_scales_offset + rows * 4;
    const offsets = { codes_offset, scales_offset, weight_offset, weight_scales_offset };
    tensors.push({ name: "w", rows, columns, bits: 4, block_size: 32, ...offsets });
  }
  const weights = Uint8Array.from({ length: source }, (_, i) => (i * 2654435761) >>> 13);
  for (const { scales_offset, rows, columns } of tensors) {
    const high = scales_offset + 1; // bytes of float16 near 0.1
    for (let i = 0; i < (rows * columns) / 16; i += 2) weights[high + i] = 0x2c + (i % 7);
  }
  const steps = [];
  const onProgress = (done) => steps.push(done);
  const file = await expandWeights(weights, { bytes: target, tensors }, { workers, onProgress });
  const parts = tensors.flatMap(({ rows, columns, weight_offset: at, weight_scales_offset: scales }) => [
    [...file.subarray(at, at + rows * columns)],
    [...file.subarray(scales, scales + 4 * rows)],
  ]);
  return { parts, last: steps.at(-1), bytes: target };
}"""


def test_several_threads_expand_to_the_same_bytes(page: Page, site_url: str) -> None:
    page.goto(site_url + "site.json")
    alone, together = page.evaluate(EXPAND, 0), page.evaluate(EXPAND, 3)
    assert together == alone
    assert alone["last"] == alone["bytes"]
    assert any(any(part) for part in alone["parts"])
