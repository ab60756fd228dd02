import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { loadAdminApi, loadConfig, openState } from '@signalbox/control-plane';
import { parseGatewayConfig, silentLogger, systemClock, type Status } from '@signalbox/core';
import { createAudit } from '@signalbox/security';
import { createConfigFile } from '../config-file/config-file-part.ts';
import { openStorage } from '../open-storage.ts';
import { readInstanceId } from '../seen/instance-id.ts';
import { createAdminRequests, type AdminRequests } from './admin-requests.ts';
import type { CommandContext } from './context.ts';
import { locateConfig, locateData } from './locations.ts';
import { pathExists } from './path-exists.ts';
import { adminTokenOf, findRunning } from './running-gateway.ts';

export interface Admin extends AdminRequests, AsyncDisposable {
  /** Whether a gateway answers; otherwise this process does, over the same file and store. */
  readonly isRunning: boolean;
}

const NOTHING: Status = { upstreams: () => [], virtualServers: () => [], sessions: () => ({ open: 0, streams: 0 }) };

/**
 * The admin API for a configuration: that of the gateway that runs for it, or the same one in this process. The caller
 * lets go of it.
 */
export async function openAdmin(context: CommandContext, path?: string): Promise<Admin> {
  const configPath = path ?? (await locateConfig(context));
  const dataDir = await locateData(context, configPath);
  const running = await findRunning(dataDir, adminTokenOf(context));
  if (running !== undefined && resolve(running.runtime.configPath ?? '') === resolve(configPath))
    return { ...running, isRunning: true, [Symbol.asyncDispose]: async () => undefined };
  return openOwn(context, configPath, dataDir);
}

async function openOwn({ env }: CommandContext, configPath: string, dataDir: string): Promise<Admin> {
  const config = (await pathExists(configPath)) ? await loadConfig(configPath) : parseGatewayConfig({});
  const parts = { clock: systemClock, logger: silentLogger };
  const { store } = await openStorage({ config: config.storage, configPath, dataDir, environment: env, ...parts });
  const writer = { instance: await readInstanceId(dataDir), slot: 0 };
  const audit = config.audit.enabled ? createAudit({ store, writer, config: config.audit, ...parts }) : undefined;
  const state = await openState({ store, file: createConfigFile(configPath), isFileOptional: true, ...(audit && { audit }) });
  const token = randomBytes(32).toString('base64url');
  const api = await loadAdminApi({ state, status: NOTHING, store, token, version: '', ...(audit && { audit }) });
  const requests = createAdminRequests({ adminUrl: 'http://localhost/', token, pid: process.pid, fetch: (request) => api.fetch(request) });
  const close = async () => {
    api.close();
    await state.close();
    await audit?.close();
    await store.close();
  };
  return { ...requests, isRunning: false, [Symbol.asyncDispose]: close };
}
