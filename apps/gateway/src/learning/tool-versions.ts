import { createHash } from 'node:crypto';
import { canonicalJson, type ToolDefinition } from '@signalbox/core';

const KEPT_CHARS = 16;

/** Tells which version of a tool is called: a hash of its definition, made once for each list of an upstream. */
export function createToolVersions(
  toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined,
): (upstream: string, tool: string) => string {
  const lists = new WeakMap<readonly ToolDefinition[], Map<string, string>>();
  return (upstream, tool) => {
    const tools = toolsOf(upstream);
    if (tools === undefined) return '';
    let versions = lists.get(tools);
    if (versions === undefined) lists.set(tools, (versions = new Map()));
    let version = versions.get(tool);
    if (version === undefined) {
      const definition = tools.find(({ name }) => name === tool);
      version = definition === undefined ? '' : hashOf(definition);
      versions.set(tool, version);
    }
    return version;
  };
}

function hashOf(definition: ToolDefinition): string {
  return createHash('sha256').update(canonicalJson(definition)).digest('hex').slice(0, KEPT_CHARS);
}
