import { loadConfig } from '@signalbox/control-plane';
import type { Store } from '@signalbox/core';
import { sqlitePathOf } from '@signalbox/storage';
import { openConfiguredStore, storeUrlOf } from '../open-configured-store.ts';
import type { CommandContext } from './context.ts';
import { commandFailure, nothingFound } from './failures.ts';
import { locateConfig, locateData } from './locations.ts';
import { pathExists } from './path-exists.ts';
import { findRunning } from './running-gateway.ts';

/** The store that the options of a command lead to. */
export interface CommandStore {
  /** The file of a SQLite store, `undefined` for any other. */
  readonly file: string | undefined;
  /** The caller closes it. */
  open(): Promise<Store>;
}

/** @throws GatewayError `NOT_FOUND` for a store that does not outlive its process. */
export async function findCommandStore(context: CommandContext): Promise<CommandStore & { readonly dataDir: string }> {
  const configPath = await locateConfig(context);
  const { storage } = await loadConfig(configPath);
  const dataDir = await locateData(context, configPath);
  const url = storeUrlOf(storage, context.env);
  if (url.startsWith('memory:'))
    throw nothingFound(
      'There is no store: "storage.url" is "memory:", of which nothing outlives the gateway',
      'Set "storage.url" to another one',
    );
  return {
    dataDir,
    file: url.startsWith('sqlite:') ? sqlitePathOf({ url, dataDir }) : undefined,
    open: () => openConfiguredStore({ storage, environment: context.env, configPath, dataDir }),
  };
}

/** Opens a store that is there already. @throws GatewayError `NOT_FOUND` when it is not. */
export async function openCommandStore(context: CommandContext): Promise<Store> {
  const { file, open } = await findCommandStore(context);
  if (file !== undefined && !(await pathExists(file)))
    throw nothingFound(`There is no store at "${file}"`, 'A gateway makes it when it first starts; name its data folder with --data');
  return open();
}

/** @throws GatewayError when a gateway uses the data folder. */
export async function requireStopped(dataDir: string, doing: string): Promise<void> {
  const running = await findRunning(dataDir);
  if (running === undefined) return;
  throw commandFailure(`Cannot ${doing} while a gateway uses the store (process ${running.runtime.pid})`, {
    hint: 'Stop it, do this again, and start it with "signalbox serve"',
  });
}
