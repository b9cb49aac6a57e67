// @ts-check
/**
 * Makes DOM elements: the one way the widgets build theirs. Text goes in as text, never as HTML.
 *
 * @module
 */

let lastId = 0;

/**
 * An id no other element of the document has, for aria references.
 * @param {string} name
 */
export function uniqueId(name) {
  lastId += 1;
  return `plm-${name}-${lastId}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | true | null | undefined>} [attributes]  true: present without a value; null: absent
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/**
 * An icon of icons.svg; hidden from screen readers, so its button needs a name.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", "plm-icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `${new URL("./icons.svg", import.meta.url).href}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * @param {object} options
 * @param {string} options.label  the accessible name, and the text when `text` is set
 * @param {string} [options.icon]
 * @param {boolean} [options.text]  shows the label; otherwise only the icon is seen
 * @param {string} [options.className]
 * @param {() => void} options.onPress
 */
export function button({ label, icon: iconName, text = false, className = "plm-button", onPress }) {
  const made = element("button", { type: "button", class: className });
  if (iconName) made.append(icon(iconName));
  if (text) {
    made.append(element("span", {}, label));
  } else {
    made.setAttribute("aria-label", label);
    made.title = label;
  }
  made.addEventListener("click", onPress);
  return made;
}

/**
 * Writes only what differs, so that an unchanged text keeps its selection and is not announced again.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
