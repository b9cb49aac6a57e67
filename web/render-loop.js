// @ts-check
/**
 * Draws at most once per animation frame, and less often when drawing is slow.
 *
 * Tokens may arrive faster than frames, and a long table may take longer than a frame to draw: then every drawing is
 * followed by a rest of the same length, so that at least half of the time is left for scrolling and typing.
 *
 * @module
 */

/**
 * @param {() => void} draw
 * @returns {{request: () => void, stop: () => void}}
 */
export function createRenderLoop(draw) {
  let frame = 0;
  let restUntil = 0;

  /** @param {number} now */
  function onFrame(now) {
    frame = 0;
    if (now < restUntil) {
      request();
      return;
    }
    const begun = performance.now();
    draw();
    const tookMs = performance.now() - begun;
    restUntil = tookMs > 8 ? begun + 2 * tookMs : 0;
  }

  function request() {
    if (frame === 0) frame = requestAnimationFrame(onFrame);
  }

  return { request, stop: () => cancelAnimationFrame(frame) };
}
