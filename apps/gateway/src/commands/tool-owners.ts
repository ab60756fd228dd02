import { join } from 'node:path';
import { isObject } from '@signalbox/core';
import { createFileDocuments } from '@signalbox/storage';

/** Whose a public tool name is. */
export interface ToolOwner {
  readonly upstream: string;
  /** The upstream's own name for it. */
  readonly name: string;
}

/**
 * The owners of all public tool names, as the gateway of a data folder has given and remembered them.
 * @param server The virtual server whose names are meant, rather than those where everything is.
 */
export async function readToolOwners(dataDir: string, server?: string): Promise<ReadonlyMap<string, ToolOwner>> {
  const all = await createFileDocuments({ folder: join(dataDir, 'remembered') }).read('names');
  const document = server === undefined ? all : memberOf(memberOf(all, 'servers'), server);
  const names = memberOf(document, 'names');
  const owners = new Map<string, ToolOwner>();
  for (const [key, entry] of Object.entries(isObject(names) ? names : {})) {
    if (!key.startsWith('tool ') || !isObject(entry)) continue;
    const { upstream, name } = entry;
    if (typeof upstream === 'string' && typeof name === 'string') owners.set(key.slice('tool '.length), { upstream, name });
  }
  return owners;
}

function memberOf(object: unknown, key: string): unknown {
  return isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}
