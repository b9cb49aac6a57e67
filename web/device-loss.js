// @ts-check
/**
 * Knows whether a decoder's device (a GPU, or onnxruntime in WebAssembly) is of no more use, and why.
 *
 * Ends the run that waits for it, refuses later ones, and tells whoever owns the model, once. Loads nothing again.
 *
 * @module
 */

import { BackendError, DeviceLostError } from "./errors.js";

export class DeviceLoss {
  /** @type {DeviceLostError | null} */ #error = null;
  #ended = false;
  /** Rejects what is being waited for. @type {(error: Error) => void} */ #abandon = () => {};
  /** @type {(error: DeviceLostError) => void} */ #resolve = () => {};

  constructor() {
    /** Resolves when nothing that the device computes can be trusted any more. @type {Promise<DeviceLostError>} */
    this.told = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isTold() {
    return this.#error !== null;
  }

  /** @throws {DeviceLostError} */
  check() {
    if (this.#error) throw this.#error;
  }

  /** @param {DeviceLostError} error  counts in place of an earlier one, which it may have led to */
  tell(error) {
    if (this.#ended) return;
    this.#error = error;
    this.#abandon(error);
    this.#resolve(error);
  }

  /**
   * WebAssembly that gave up in the middle of something (a trap, or an abort) has nobody knows what in its memory.
   *
   * @param {unknown} cause  what onnxruntime threw; nothing happens unless it is that
   * @param {string} [what]  it was to run
   * @throws {DeviceLostError}
   */
  tellTrap(cause, what = "a run") {
    if (!(cause instanceof WebAssembly.RuntimeError)) return;
    this.tell(
      new DeviceLostError(`onnxruntime broke down on ${what}: ${cause.message}`, {
        expected: "a run that ends",
        remedy: "Load the model again; if it happens again, close other tabs, since memory may be short.",
        cause,
      }),
    );
    this.check();
  }

  /** The device is given back: whatever becomes of it now is no loss. */
  end() {
    this.#ended = true;
  }

  /**
   * A lost GPU leaves some promises of onnxruntime open for ever, and fails others with messages of no use.
   *
   * @template Result
   * @param {Promise<Result>} work
   * @param {string} [what]  for the message when onnxruntime refuses
   * @returns {Promise<Result>}
   */
  async unless(work, what) {
    try {
      // Not Promise.race with a promise of the loss: each race would stay attached to it until the end.
      return await new Promise((resolve, reject) => {
        this.#abandon = reject;
        work.then(resolve, reject);
        if (this.#error) reject(this.#error);
      });
    } catch (cause) {
      // The loss is announced a moment after the failures that it causes.
      if (!this.isTold) await new Promise((resolve) => setTimeout(resolve, 50));
      this.check();
      if (cause instanceof BackendError) throw cause;
      this.tellTrap(cause, what);
      throw new BackendError(`WebGPU failed${what ? ` on ${what}` : ""}: ${cause}`, {
        expected: "a run that succeeds",
        remedy: "Reload the page; if it stays, choose WASM in the Settings.",
        cause,
      });
    } finally {
      this.#abandon = () => {};
    }
  }
}

/**
 * Tells when this GPU is lost.
 * @param {GPUDevice} device
 */
export function watchGpu(device) {
  const loss = new DeviceLoss();
  device.lost.then(({ reason, message }) =>
    loss.tell(
      new DeviceLostError(`the GPU was lost (${reason}): ${message || "no message"}`, {
        expected: "a GPU that stays",
        remedy:
          "Load the model again; if it happens again, close other programs that use the GPU, or choose WASM in the Settings.",
      }),
    ),
  );
  return loss;
}

/**
 * Tells when this GPU refuses a command: that leaves what was in the buffers, and the tokens read from them would be wrong.
 * @param {GPUDevice} device
 * @param {DeviceLoss} loss
 */
export function watchCommands(device, loss) {
  device.addEventListener("uncapturederror", ({ error }) => {
    if (loss.isTold) return;
    loss.tell(
      new DeviceLostError(`the GPU refused a command: ${error.message}`, {
        expected: "every command to be accepted",
        remedy: "Load the model again; if it happens again, choose WASM in the Settings.",
      }),
    );
  });
}
