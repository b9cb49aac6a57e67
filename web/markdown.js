// @ts-check
/**
 * The one place where a model's text becomes DOM: marked reads it, DOMPurify lets through what is on the list below.
 *
 * A model's HTML is shown as text, so that nothing it wrote vanishes; a few tags without attributes (`<br>`, `<sub>`, …)
 * count as formatting. What is too large or too deep to read is shown as code. Images become links: nothing is fetched.
 * Headings start at level 3, below those of the page.
 *
 * @module
 */

import { makeCopyButton } from "./clipboard.js";
import { element } from "./element.js";
import { createBlockReader } from "./markdown-blocks.js";
import { asCode, boundMarkdown } from "./markdown-bounds.js";
import createDOMPurify from "./vendor/dompurify.js";
import { Marked } from "./vendor/marked.js";

/** @typedef {import("marked").Token} Token */
/** @typedef {import("marked").RendererObject} RendererObject */

const ALLOWED_TAGS = [
  ...["p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "pre", "code", "a"],
  ...["em", "strong", "b", "i", "s", "del", "u", "sub", "sup", "kbd", "mark"],
  ...["table", "thead", "tbody", "tr", "th", "td"],
];

const PURIFY_OPTIONS = {
  ALLOWED_TAGS,
  ALLOWED_ATTR: ["href", "title", "align", "start", "class"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["align", "start"],
};

/** Tags a model may write itself: formatting without attributes. */
const PLAIN_FORMATTING = /^<\/?(?:br|b|i|em|strong|s|del|u|sub|sup|kbd|mark)\s*\/?>$/i;

/** @type {RendererObject} */
const RENDERER = {
  html({ text }) {
    const trimmed = text.trim();
    return PLAIN_FORMATTING.test(trimmed) ? trimmed : escapeHtml(text);
  },
  heading({ tokens, depth }) {
    const level = Math.min(6, depth + 2);
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
  },
  image({ href, title, text, raw }) {
    const name = text === "" ? "image" : text;
    return this.link({
      type: "link",
      raw,
      href,
      title,
      text: name,
      tokens: [{ type: "text", raw: name, text: name, escaped: false }],
    });
  },
  checkbox({ checked }) {
    return checked ? "☑ " : "☐ ";
  },
};

/** @param {string} text */
function escapeHtml(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Shows one growing Markdown text; blocks that did not change keep their elements, selection and scroll position.
 * @param {HTMLElement} root
 */
export function mountMarkdown(root) {
  const marked = new Marked({ gfm: true, breaks: true, renderer: RENDERER });
  const purify = createPurify();
  const reader = createBlockReader((text) => readTokens(marked, text));
  /** @type {{token: Token, nodes: ChildNode[]}[]} */
  const shown = [];
  let shownText = "";
  let shownLinks = 0;

  /** @param {Token} token */
  function render(token) {
    const fragment = purify.sanitize(marked.parser([token]), {
      ...PURIFY_OPTIONS,
      RETURN_DOM_FRAGMENT: true,
    });
    dress(fragment);
    return { token, nodes: [...fragment.childNodes] };
  }

  return {
    /** @param {string} text  the whole text so far */
    update(text) {
      if (text === shownText) return;
      shownText = text;
      const { blocks, unchanged, links } = reader.read(boundMarkdown(text));
      // A new link definition may turn any bracket of the text into a link.
      let index = links === shownLinks ? unchanged : 0;
      while (links === shownLinks && index < shown.length && shown[index].token.raw === blocks[index]?.raw) {
        index += 1;
      }
      shownLinks = links;
      if (
        index === blocks.length - 1 &&
        shown.length === blocks.length &&
        growCode(shown[index], blocks[index])
      ) {
        return;
      }
      for (const { nodes } of shown.splice(index)) for (const node of nodes) node.remove();
      for (const token of blocks.slice(index)) {
        const block = render(token);
        shown.push(block);
        root.append(...block.nodes);
      }
    },
  };
}

/**
 * @param {Marked} marked
 * @param {string} text
 */
function readTokens(marked, text) {
  try {
    return marked.lexer(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return marked.lexer(asCode(text)); // deeper than the stack
  }
}

/** An own DOMPurify: hooks are per instance, and the page around us may have one with its own. */
function createPurify() {
  const purify = createDOMPurify(window);
  purify.addHook("uponSanitizeAttribute", (node, attribute) => {
    if (attribute.attrName !== "class") return;
    attribute.keepAttr = node.nodeName === "CODE" && /^language-[\w+#.-]+$/.test(attribute.attrValue);
  });
  purify.addHook("afterSanitizeAttributes", (node) => {
    if (node.nodeName !== "A" || !node.hasAttribute("href")) return;
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  });
  return purify;
}

/**
 * The last block is most often a code block that became longer: then only its text grows.
 * @param {{token: Token, nodes: ChildNode[]}} block
 * @param {Token} token
 */
function growCode(block, token) {
  const old = block.token;
  if (old.type !== "code" || token.type !== "code" || old.lang !== token.lang) return false;
  if (!token.text.startsWith(old.text)) return false;
  const code = block.nodes.find((node) => node instanceof Element)?.querySelector("code")?.firstChild;
  if (!(code instanceof Text) || code.data !== `${old.text}\n`) return false;
  code.replaceData(old.text.length, 1, `${token.text.slice(old.text.length)}\n`);
  block.token = token;
  return true;
}

/**
 * Gives code blocks a bar with a copy button, and lets wide tables scroll inside themselves.
 * @param {DocumentFragment} fragment
 */
function dress(fragment) {
  for (const pre of fragment.querySelectorAll("pre")) {
    const figure = element("figure", { class: "plm-code" });
    pre.replaceWith(figure);
    figure.append(codeBar(pre), pre);
    // Reachable by keyboard, for it may scroll.
    pre.tabIndex = 0;
  }
  for (const table of fragment.querySelectorAll("table")) {
    const scroller = element("div", {
      class: "plm-table",
      role: "region",
      "aria-label": "Table",
      tabindex: "0",
    });
    table.replaceWith(scroller);
    scroller.append(table);
  }
}

/** @param {HTMLPreElement} pre */
function codeBar(pre) {
  const language = pre.querySelector("code")?.className.replace(/^language-/, "") || "code";
  const label = element("span", {}, "Copy code");
  const copy = element("button", { type: "button", class: "plm-button plm-button-small" }, label);
  makeCopyButton(copy, label, () => (pre.textContent ?? "").replace(/\n$/, ""));
  return element("figcaption", {}, element("span", {}, language), copy);
}
