// @ts-check
/**
 * A response's bytes as they arrive, so that loading can be shown in bytes.
 *
 * @module
 */

/**
 * @param {Response} response
 * @returns {AsyncGenerator<Uint8Array, void, void>}
 */
export async function* chunks(response) {
  // Not `for await` over the body: Safari's streams are not async iterable.
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * A response's text, or null when it is longer than that: a host may send without end.
 *
 * @param {Response} response
 * @param {number} maxBytes
 */
export async function readText(response, maxBytes) {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunks(response)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * The same response, each chunk reported on its way through. Type and status stay, so WebAssembly still streams it.
 *
 * @param {Response} response
 * @param {(bytes: number) => void} count
 * @returns {Response}
 */
export function counted(response, count) {
  if (response.body === null) return response;
  const counter = new TransformStream({
    transform(chunk, controller) {
      count(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
}
