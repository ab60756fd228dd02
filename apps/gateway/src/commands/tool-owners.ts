import { join } from 'node:path';
import { isObject } from '@signalbox/core';
import { createFileDocuments } from '@signalbox/storage';

/** Whose a public tool name is. */
export interface ToolOwner {
  readonly upstream: string;
  /** The upstream's own name for it. */
  readonly name: string;
}

/** The owners of all public tool names, as the gateway of a data folder has given and remembered them. */
export async function readToolOwners(dataDir: string): Promise<ReadonlyMap<string, ToolOwner>> {
  const document = await createFileDocuments({ folder: join(dataDir, 'remembered') }).read('names');
  const names = isObject(document) && isObject(document['names']) ? document['names'] : {};
  const owners = new Map<string, ToolOwner>();
  for (const [key, entry] of Object.entries(names)) {
    if (!key.startsWith('tool ') || !isObject(entry)) continue;
    const { upstream, name } = entry;
    if (typeof upstream === 'string' && typeof name === 'string') owners.set(key.slice('tool '.length), { upstream, name });
  }
  return owners;
}
