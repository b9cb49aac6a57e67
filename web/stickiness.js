// @ts-check
/**
 * Whether a scrolled view follows its end: it does until its reader scrolls up, and again once they are back at the end.
 *
 * @module
 */

/** @typedef {{scrollTop: number, scrollHeight: number, clientHeight: number}} ScrollPosition */

/** Pixels from the end that count as the end: zoom levels make positions fractional. */
const NEAR_END = 8;

/**
 * @param {boolean} sticky  so far
 * @param {ScrollPosition} before
 * @param {ScrollPosition} now
 * @returns {boolean}
 */
export function followsEnd(sticky, before, now) {
  const distance = now.scrollHeight - now.clientHeight - now.scrollTop;
  if (distance <= NEAR_END) return true;
  // Content that shrinks or a view that grows moves scrollTop too; only the reader moves it up while those stand still.
  const resized = now.scrollHeight !== before.scrollHeight || now.clientHeight !== before.clientHeight;
  if (now.scrollTop < before.scrollTop && !(resized && sticky)) return false;
  return sticky;
}

/**
 * Keeps an element scrolled to its end while its reader is there.
 * @param {HTMLElement} scroller
 * @param {(sticky: boolean) => void} [onChange]
 * @returns {{follow: () => void, jump: () => void}}  follow: after content changed · jump: to the end in any case
 */
export function stickToEnd(scroller, onChange) {
  let sticky = true;
  let before = positionOf(scroller);

  /** @param {boolean} next */
  function become(next) {
    if (next === sticky) return;
    sticky = next;
    onChange?.(sticky);
  }

  scroller.addEventListener(
    "scroll",
    () => {
      const now = positionOf(scroller);
      become(followsEnd(sticky, before, now));
      before = now;
    },
    { passive: true },
  );

  function follow() {
    if (!sticky) return;
    scroller.scrollTop = scroller.scrollHeight;
    before = positionOf(scroller);
  }

  function jump() {
    become(true);
    follow();
  }

  return { follow, jump };
}

/**
 * @param {HTMLElement} scroller
 * @returns {ScrollPosition}
 */
function positionOf({ scrollTop, scrollHeight, clientHeight }) {
  return { scrollTop, scrollHeight, clientHeight };
}
