import { createHash } from 'node:crypto';
import { canonicalJson, type ToolDefinition } from '@signalbox/core';
import { readEffect, type Effect } from '@signalbox/learning';

const KEPT_CHARS = 16;

/** Which version of a tool is called, and what its definition says of it. */
export interface ToolVersion {
  /** Hash of its definition; empty for a tool that is not known. */
  readonly version: string;
  readonly effect: Effect;
}

const UNKNOWN: ToolVersion = { version: '', effect: 'unknown' };

/** Reads each definition once for each list of its upstream. */
export function createToolVersions(
  toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined,
): (upstream: string, tool: string) => ToolVersion {
  const lists = new WeakMap<readonly ToolDefinition[], Map<string, ToolVersion>>();
  return (upstream, tool) => {
    const tools = toolsOf(upstream);
    if (tools === undefined) return UNKNOWN;
    let versions = lists.get(tools);
    if (versions === undefined) lists.set(tools, (versions = new Map()));
    let version = versions.get(tool);
    if (version === undefined) {
      const definition = tools.find(({ name }) => name === tool);
      version = definition === undefined ? UNKNOWN : { version: hashOf(definition), effect: readEffect(definition).effect };
      versions.set(tool, version);
    }
    return version;
  };
}

function hashOf(definition: ToolDefinition): string {
  return createHash('sha256').update(canonicalJson(definition)).digest('hex').slice(0, KEPT_CHARS);
}
