import { createNameMatcher, type ExposureConfig, type UpstreamConfig } from '@signalbox/core';
import { isBuiltIn } from '../upstreams/built-in.ts';

/** What an address shows of its upstreams, beyond what each of them exposes everywhere. */
export interface Exposure {
  readonly prefix?: ExposureConfig['prefix'] | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly prompts: boolean;
  readonly resources: boolean;
}

/** Shows everything as each upstream says. */
export const FULL_EXPOSURE: Exposure = { deny: [], rename: {}, prompts: true, resources: true };

/** How a tool that is shown wants to be called. */
export interface Choice {
  readonly rename: string | undefined;
  readonly alwaysPrefix: boolean;
}

/** Returns what decides about one upstream's tools by their own names: how each is shown, or `undefined` for one that is not. */
export function createExposure(exposure: Exposure, upstream: string, config: UpstreamConfig): (name: string) => Choice | undefined {
  const isHere = createFilter(config.tools);
  // A choice among the upstreams' tools says nothing of what the gateway brings along, unless it names that to deny it.
  const isThere = createFilter(isBuiltIn(upstream) ? { deny: exposure.deny } : exposure);
  const alwaysPrefix = (exposure.prefix ?? config.tools.prefix) === 'always';
  return (name) => {
    const full = `${upstream}/${name}`;
    if (!isHere([name]) || !isThere([name, full])) return undefined;
    const rename = valueOf(exposure.rename, full) ?? valueOf(exposure.rename, name) ?? valueOf(config.tools.rename, name);
    return { rename, alwaysPrefix };
  };
}

function createFilter({
  allow,
  deny,
}: {
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}): (spellings: readonly string[]) => boolean {
  const isAllowed = allow === undefined ? () => true : createNameMatcher(allow);
  const isDenied = createNameMatcher(deny);
  return (spellings) => spellings.some(isAllowed) && !spellings.some(isDenied);
}

// A tool may be called "constructor".
function valueOf(names: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
