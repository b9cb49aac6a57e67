// @ts-check
/**
 * Which tools the model may call: switched on and off, described by the person, kept as text.
 *
 * Pure. What a tool's parameters mean is the model's to read; here they only have to be a schema of an object.
 *
 * @module
 */

/** @typedef {import("./chat-state.js").ToolChoice} ToolChoice */
/** @typedef {import("./protocol.js").ToolSchema} ToolSchema */

/** Of functions, as models are used to them. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/**
 * @param {ToolChoice} tools
 * @param {string} name
 * @param {boolean} enabled
 * @returns {ToolChoice}
 */
export function switchTool(tools, name, enabled) {
  const others = tools.enabled.filter((each) => each !== name);
  return { ...tools, enabled: enabled ? [...others, name] : others };
}

/**
 * The person's tool, switched on.
 * @param {ToolChoice} tools
 * @param {ToolSchema} tool
 * @returns {ToolChoice}
 */
export function addTool(tools, tool) {
  return switchTool({ ...tools, own: [...tools.own, tool] }, tool.function.name, true);
}

/**
 * @param {ToolChoice} tools
 * @param {string} name
 * @returns {ToolChoice}
 */
export function removeTool(tools, name) {
  const own = tools.own.filter((tool) => tool.function.name !== name);
  return switchTool({ ...tools, own }, name, false);
}

/**
 * @typedef {{tool: ToolSchema, problem?: undefined} | {tool?: undefined, problem: string, field: "name" | "parameters"}
 * } TypedTool
 */

/**
 * Reads what a person typed as a tool.
 * @param {{name: string, description: string, parameters: string}} typed  parameters: JSON
 * @param {readonly string[]} taken  names of the tools that there are
 * @returns {TypedTool}
 */
export function readTool({ name, description, parameters }, taken) {
  const trimmed = name.trim();
  if (!NAME.test(trimmed)) {
    return { field: "name", problem: "A name has letters, digits and _, such as get_weather." };
  }
  if (taken.includes(trimmed)) return { field: "name", problem: `There is a tool named ${trimmed} already.` };
  const read = readParameters(parameters);
  if (read.problem !== undefined) return { field: "parameters", problem: read.problem };
  const described = { name: trimmed, description: description.trim(), parameters: read.schema };
  return { tool: { type: "function", function: described } };
}

/**
 * @param {string} text
 * @returns {{schema: Record<string, unknown>, problem?: undefined} | {schema?: undefined, problem: string}}
 */
function readParameters(text) {
  if (text.trim() === "") return { schema: { type: "object", properties: {} } };
  try {
    const schema = JSON.parse(text);
    if (isSchemaOfObject(schema)) return { schema };
    return { problem: "Parameters are a schema of an object: {“type”: “object”, “properties”: {…}}." };
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message : error}` };
  }
}

/** @param {any} schema */
function isSchemaOfObject(schema) {
  const { type, properties = {}, required = [] } = isObject(schema) ? schema : {};
  return (
    type === "object" &&
    isObject(properties) &&
    Object.values(properties).every(isObject) &&
    Array.isArray(required) &&
    required.every((name) => typeof name === "string")
  );
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {ToolChoice} tools */
export function storeTools({ enabled, own }) {
  return JSON.stringify({ version: 1, enabled, own });
}

/**
 * What cannot be read is left out.
 * @param {string | null} stored
 * @returns {ToolChoice}
 */
export function restoreTools(stored) {
  try {
    const value = JSON.parse(stored ?? "null");
    if (value?.version !== 1 || !Array.isArray(value.enabled) || !Array.isArray(value.own))
      throw new TypeError();
    return {
      enabled: value.enabled.filter((/** @type {unknown} */ name) => typeof name === "string"),
      own: value.own.filter(isTool),
    };
  } catch {
    return { enabled: [], own: [] };
  }
}

/** @param {any} tool */
function isTool(tool) {
  const { name, description, parameters } = tool?.function ?? {};
  return (
    tool?.type === "function" &&
    NAME.test(String(name)) &&
    typeof description === "string" &&
    isSchemaOfObject(parameters)
  );
}
