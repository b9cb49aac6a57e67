// @ts-check
/** Just enough of a document for a widget to be mounted in Node: elements, attributes, text and events. */

class FakeElement extends EventTarget {
  /** @type {Array<FakeElement | string>} */ children = [];
  /** @type {Map<string, string>} */ attributes = new Map();
  /** @type {Record<string, string>} */ dataset = {};
  hidden = false;
  value = "";

  /** @param {string} tag */
  constructor(tag) {
    super();
    this.tag = tag;
  }
  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    this.attributes.set(name, value);
    if (name === "value") this.value = value;
  }
  /** @param {string} name */
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  /** @param {...(FakeElement | string)} children */
  append(...children) {
    this.children.push(...children);
  }
  /** @param {...(FakeElement | string)} children */
  replaceChildren(...children) {
    this.children = children;
  }
  /** @returns {string} */
  get textContent() {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }
  set textContent(text) {
    this.children = [text];
  }
}

/** Puts the fake in the place of `document`. */
export function installFakeDocument() {
  const document = {
    createElement: (/** @type {string} */ tag) => new FakeElement(tag),
    createElementNS: (/** @type {string} */ _namespace, /** @type {string} */ tag) => new FakeElement(tag),
  };
  Object.assign(globalThis, { document });
}

/**
 * @param {string} [tag]
 * @returns {any} an element, also for what expects a real one
 */
export function makeRoot(tag = "div") {
  return new FakeElement(tag);
}

/**
 * All elements of a tag below `root`, those inside something hidden left out.
 * @param {any} root
 * @param {string} tag
 * @returns {any[]}
 */
export function visible(root, tag) {
  if (root.hidden) return [];
  return root.children.flatMap((/** @type {any} */ child) =>
    typeof child === "string" || child.hidden
      ? []
      : [...(child.tag === tag ? [child] : []), ...visible(child, tag)],
  );
}
