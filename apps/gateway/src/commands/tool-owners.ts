import { loadConfig } from '@signalbox/control-plane';
import { isObject, silentLogger, systemClock } from '@signalbox/core';
import { createStoreDocuments } from '@signalbox/storage';
import { openStorage } from '../open-storage.ts';
import type { CommandContext } from './context.ts';

/** Whose a public tool name is. */
export interface ToolOwner {
  readonly upstream: string;
  /** The upstream's own name for it. */
  readonly name: string;
}

/**
 * The owners of all public tool names, as the gateway of a data folder has given and remembered them.
 * @param options.server The virtual server whose names are meant, rather than those where everything is.
 */
export async function readToolOwners(
  { env }: Pick<CommandContext, 'env'>,
  { configPath, dataDir, server }: { readonly configPath: string; readonly dataDir: string; readonly server?: string | undefined },
): Promise<ReadonlyMap<string, ToolOwner>> {
  const { storage } = await loadConfig(configPath);
  const { store } = await openStorage({ config: storage, configPath, dataDir, environment: env, clock: systemClock, logger: silentLogger });
  let all: unknown;
  try {
    all = await createStoreDocuments(store, 'remembered').read('names');
  } finally {
    await store.close();
  }
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
