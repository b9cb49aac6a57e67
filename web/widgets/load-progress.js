// @ts-check
/**
 * How far loading is: one line with a sentence and a bar for each stage, and before the choice to cancel, whether the
 * download will have to come again.
 *
 * @module
 */

import { button, element, icon, setText } from "../element.js";
import { LOAD_STAGES, stageName, stageSentence, stageState } from "../sentences.js";

/** @typedef {import("../protocol.js").LoadStage} LoadStage */
/** @typedef {import("../protocol.js").Progress} Progress */

/**
 * @param {HTMLElement} root
 * @param {{onCancel: () => void}} actions
 */
export function mountLoadProgress(root, { onCancel }) {
  const stages = LOAD_STAGES.map((stage) => mountStage(stage));
  const notKept = element("p", { class: "plm-load-progress-reason", role: "status" });
  root.append(
    element("h2", { class: "plm-visually-hidden" }, "Loading"),
    element("ol", {}, ...stages.map(({ item }) => item)),
    notKept,
    button({
      label: "Cancel loading",
      text: true,
      className: "plm-button plm-button-outlined",
      onPress: onCancel,
    }),
  );

  return {
    /** @param {{visible: boolean, progress: Partial<Record<LoadStage, Progress>>}} view */
    update({ visible, progress }) {
      root.hidden = !visible;
      if (!visible) return;
      for (const stage of stages) stage.update(progress[stage.stage]);
      setText(notKept, progress.weights?.transfer?.reason ?? "");
      notKept.hidden = notKept.textContent === "";
    },
  };
}

/** @param {LoadStage} stage */
function mountStage(stage) {
  const sentence = element("span", { class: "plm-load-progress-sentence" });
  const bar = element("progress", { max: "1", "aria-label": stageName(stage) });
  const mark = element("span", { class: "plm-load-progress-mark" }, icon("check"));
  const name = element("span", { class: "plm-load-progress-name" }, stageName(stage));
  const item = element("li", {}, mark, name, sentence, bar);

  return {
    stage,
    item,
    /** @param {Progress | undefined} progress */
    update(progress) {
      const state = stageState(progress);
      item.dataset.state = state;
      setText(sentence, stageSentence(stage, progress));
      const countable = progress !== undefined && progress.totalBytes > 1;
      if (state === "finished") bar.value = 1;
      else if (state === "waiting") bar.value = 0;
      else if (countable) bar.value = progress.loadedBytes / progress.totalBytes;
      else bar.removeAttribute("value");
    },
  };
}
