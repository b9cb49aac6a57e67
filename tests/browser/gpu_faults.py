"""Faults of GPUs and of memory, put into a page's worker before any of its modules runs."""

from __future__ import annotations

from playwright.sync_api import Page, Route

# `auto` refuses adapters that compute on the CPU; this one does not look it.
HARDWARE = """Object.defineProperties(GPUAdapterInfo.prototype, {
  isFallbackAdapter: { value: false },
  vendor: { value: "acme" },
  architecture: { value: "gen-9" },
  description: { value: "" },
});
"""
SHADER_F16 = """{
  const features = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "features").get;
  Object.defineProperty(GPUAdapter.prototype, "features", {
    get() { return new Set([...features.call(this), "shader-f16"]); },
  });
}"""
NO_DEVICE = """
GPUAdapter.prototype.requestDevice = async () => {
  throw new DOMException("no more devices", "OperationError");
};
"""
NO_WEBGPU = "delete WorkerNavigator.prototype.gpu;"
BAD_SHADERS = """{
  const create = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const code = descriptor.label === "subgroup width" ? descriptor.code : `${descriptor.code} and this`;
    return create.call(this, { ...descriptor, code });
  };
}"""
# As a browser tells it: an event beside a buffer that is of no use.
NO_GPU_MEMORY = """{
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    if (descriptor.size > 100_000) {
      const error = new GPUOutOfMemoryError("no room for the buffer");
      this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
    }
    return create.call(this, descriptor);
  };
}"""
# In the console, which the page hears of.
SAY_DESTROYED = """{
  const { destroy } = GPUDevice.prototype;
  GPUDevice.prototype.destroy = function () {
    console.debug("device destroyed");
    destroy.call(this);
  };
}"""
# Of onnxruntime's WASM, which asks for addresses up to its end; Python's memory is not shared.
NO_SHARED_MEMORY = """{
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function (descriptor) {
    if (!descriptor.shared || descriptor.maximum === 1) return new Memory(descriptor);
    throw new RangeError("WebAssembly.Memory(): could not allocate memory");
  };
}"""
# onnxruntime's FlashAttention is silently wrong on subgroups of 4 lanes, which SwiftShader has.
NARROW_SUBGROUPS = ("const NARROWEST_SUBGROUP = 8;", "const NARROWEST_SUBGROUP = 1;")


def put_into_worker(page: Page, *faults: str) -> None:
    """Run scripts at the start of each worker of the page."""

    def with_faults(route: Route) -> None:
        response = route.fetch()
        # Modules are evaluated before the one that imports them: the faults have to be one, and the first.
        route.fulfill(response=response, body='import "./faults.js";\n' + response.text())

    page.route("**/worker.js", with_faults)
    page.route(
        "**/faults.js", lambda route: route.fulfill(content_type="text/javascript", body="\n".join(faults))
    )


def replace_in_module(page: Page, module: str, replacement: tuple[str, str]) -> None:
    """Serve one of the page's modules with a line replaced."""

    def replaced(route: Route) -> None:
        response = route.fetch()
        before, after = replacement
        text = response.text()
        assert before in text
        route.fulfill(response=response, body=text.replace(before, after))

    page.route(f"**/{module}", replaced)
