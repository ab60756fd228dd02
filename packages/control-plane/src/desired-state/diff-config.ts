import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig, UpstreamConfig } from '@signalbox/core';
import { maskConfig } from './mask-config.ts';

/** One setting that differs. Values that may be secrets read `***`. */
export interface SettingChange {
  /** For example `mcpServers.github.timeouts.callMs`. */
  readonly path: string;
  /** `undefined` when the setting was not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** What separates two configurations. */
export interface ConfigDiff {
  /** Names of upstreams, in the order of the newer configuration. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** In the order of the older configuration. */
  readonly removed: readonly string[];
  /** The upstreams both have stand in another order, which decides who keeps a name on a collision. */
  readonly isReordered: boolean;
  /** Settings of changed upstreams and of the gateway itself. */
  readonly settings: readonly SettingChange[];
  /** Paths of changed settings that are read at start: they wait for a restart of the gateway. */
  readonly needsRestart: readonly string[];
}

/** Sections that are read once, at start. */
export const BOOT_SECTIONS = ['listen', 'log', 'sessions', 'limits', 'storage', 'cache', 'audit', 'telemetry', 'learning'] as const;

/** Compares two configurations. Reads them, keeps nothing. */
export function diffConfig(before: GatewayConfig, after: GatewayConfig): ConfigDiff {
  const oldNames = Object.keys(before.mcpServers);
  const newNames = Object.keys(after.mcpServers);
  const kept = newNames.filter((name) => Object.hasOwn(before.mcpServers, name));
  const isChanged = (name: string) => !isSameUpstream(before.mcpServers[name], after.mcpServers[name]);
  const changed = kept.filter(isChanged);
  const settings = settingChanges(before, after, new Set(changed));
  return {
    added: newNames.filter((name) => !Object.hasOwn(before.mcpServers, name)),
    changed,
    unchanged: kept.filter((name) => !changed.includes(name)),
    removed: oldNames.filter((name) => !Object.hasOwn(after.mcpServers, name)),
    isReordered: !isDeepStrictEqual(
      oldNames.filter((name) => kept.includes(name)),
      kept,
    ),
    settings,
    needsRestart: settings.map(({ path }) => path).filter(isBootSetting),
  };
}

/** Tells whether two entries mean the same. */
export function isSameUpstream(left: UpstreamConfig | undefined, right: UpstreamConfig | undefined): boolean {
  return isDeepStrictEqual(left, right);
}

/** Tells whether applying the newer configuration would change anything. */
export function isEmptyDiff(diff: ConfigDiff): boolean {
  return diff.added.length + diff.removed.length + diff.settings.length === 0 && !diff.isReordered;
}

/** The difference as lines for people: `+` added, `-` removed, `~` changed. No lines when there is none. */
export function renderDiff(diff: ConfigDiff): string[] {
  const lines = [...diff.added.map((name) => `+ mcpServers.${name}`), ...diff.removed.map((name) => `- mcpServers.${name}`)];
  for (const { path, before, after } of diff.settings) {
    const restart = diff.needsRestart.includes(path) ? ' (after a restart of the gateway)' : '';
    lines.push(`~ ${path}: ${toText(before)} → ${toText(after)}${restart}`);
  }
  if (diff.isReordered) lines.push('~ mcpServers: another order');
  return lines;
}

function isBootSetting(path: string): boolean {
  return BOOT_SECTIONS.some((section) => path.startsWith(`${section}.`));
}

interface Leaf {
  readonly path: string;
  readonly value: unknown;
  readonly shown: unknown;
}

function settingChanges(before: GatewayConfig, after: GatewayConfig, upstreams: ReadonlySet<string>): SettingChange[] {
  const old = leavesOf(before, upstreams);
  const next = leavesOf(after, upstreams);
  const keys = [...new Set([...old.keys(), ...next.keys()])];
  return keys
    .filter((key) => !isDeepStrictEqual(old.get(key)?.value, next.get(key)?.value))
    .map((key) => ({ path: (next.get(key) ?? old.get(key)!).path, before: old.get(key)?.shown, after: next.get(key)?.shown }));
}

function leavesOf(config: GatewayConfig, upstreams: ReadonlySet<string>): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const isWanted = ([section, name]: readonly string[]) => section !== 'mcpServers' || name === undefined || upstreams.has(name);
  const walk = (steps: readonly string[], value: unknown, shown: unknown): void => {
    if (!isWanted(steps)) return;
    if (!isSection(value)) {
      // Keyed by JSON, since names may hold dots.
      leaves.set(JSON.stringify(steps), { path: steps.join('.'), value, shown });
      return;
    }
    for (const [key, member] of Object.entries(value)) walk([...steps, key], member, (shown as Record<string, unknown>)[key]);
  };
  walk([], config, maskConfig(config));
  return leaves;
}

// A reference such as { "env": "NAME" } is one value, like the text it may replace.
function isSection(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return !(keys.length === 1 && keys[0] === 'env' && typeof (value as { env: unknown }).env === 'string');
}

function toText(value: unknown): string {
  return value === undefined ? '(not set)' : JSON.stringify(value);
}
