// @ts-check
/**
 * Which backend runs; pressed, it tells why this one and not another.
 *
 * @module
 */

import { element, setText, uniqueId } from "../element.js";

/** @typedef {import("../protocol.js").BackendDescription} BackendDescription */

/** @type {Record<BackendDescription["name"], string>} */
const BACKEND_LABELS = { webgpu: "WebGPU", wasm: "WASM" };

/** @param {HTMLElement} root */
export function mountBackendBadge(root) {
  const id = uniqueId("backend");
  const label = element("span");
  const badge = element(
    "button",
    { type: "button", class: "plm-backend-badge-label", "aria-expanded": "false", "aria-controls": id },
    element("span", { class: "plm-visually-hidden" }, "Backend: "),
    label,
  );
  const reason = element("p");
  const graph = element("p", { class: "plm-muted" });
  const panel = element("div", {
    class: "plm-backend-badge-panel",
    id,
    role: "region",
    "aria-label": "Backend",
  });
  panel.append(reason, graph);
  panel.hidden = true;
  root.append(badge, panel);
  root.hidden = true; // until it is known what runs, the first frame included

  /** @param {boolean} open */
  function show(open) {
    panel.hidden = !open;
    badge.setAttribute("aria-expanded", String(open));
  }

  badge.addEventListener("click", () => show(panel.hidden));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    show(false);
    badge.focus();
  });
  root.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node) || !root.contains(event.relatedTarget)) show(false);
  });

  return {
    /** @param {BackendDescription | null} backend */
    update(backend) {
      root.hidden = backend === null;
      if (backend === null) return;
      setText(label, BACKEND_LABELS[backend.name]);
      setText(reason, backend.reason);
      const adapter = backend.adapter ? ` · adapter ${backend.adapter}` : "";
      setText(graph, `Graph ${backend.graph}${adapter}`);
    },
  };
}
