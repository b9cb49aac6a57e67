/**
 * Put before worker.js by test_recovery.py: breaks the worker, or what it computes on, at a moment of the test's choice.
 *
 * `BREAK` is {how, on, after}: what is broken, the message (or stage of loading) that it breaks at, and at which of these.
 */
{
  const { how, on, after } = BREAK;
  /** @type {GPUDevice | undefined} */
  let device;
  const { requestDevice } = globalThis.GPUAdapter?.prototype ?? {};
  if (requestDevice) {
    GPUAdapter.prototype.requestDevice = async function (...options) {
      device = await requestDevice.apply(this, options);
      return device;
    };
  }
  /** Of Python, and of onnxruntime, which shares its own with threads. @type {WebAssembly.Memory[]} */
  const memories = [];
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (source, imports) => {
      const result = await original.call(WebAssembly, source, imports);
      const { exports } = result.instance ?? result;
      const imported = Object.values(imports ?? {}).flatMap((module) => Object.values(module));
      memories.push(
        ...[...Object.values(exports), ...imported].filter((each) => each instanceof WebAssembly.Memory),
      );
      return result;
    };
  }
  const isShared = ({ buffer }) => buffer instanceof SharedArrayBuffer;
  const fill = (memory) => new Uint8Array(memory.buffer).fill(0xff);

  globalThis.breakWorker = {
    "the GPU": () => device.destroy(),
    "the worker": () => close(),
    "Python's memory": () => memories.filter((memory) => !isShared(memory)).forEach(fill),
    "onnxruntime's memory": () => memories.filter(isShared).forEach(fill),
    "more memory": () => {
      const { grow } = WebAssembly.Memory.prototype;
      WebAssembly.Memory.prototype.grow = function (pages) {
        if (isShared(this)) throw new RangeError("refused");
        return grow.call(this, pages);
      };
    },
  }[how];

  let left = after;
  const see = (what) => {
    if (what === on && --left === 0) globalThis.breakWorker();
  };
  addEventListener("message", ({ data }) => see(data.kind));
  const post = globalThis.postMessage;
  globalThis.postMessage = (message) => {
    post(message);
    see(["reasoning", "text"].includes(message.kind) ? "piece" : (message.stage ?? message.kind));
  };
}
