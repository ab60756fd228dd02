import type { ConfigBody } from '@signalbox/control-plane';
import { removeServer, serversIn } from '../config-file/config-text.ts';
import { readConfigFile } from '../config-file/read-config-file.ts';
import { changeConfig } from './change-config.ts';
import type { CommandContext } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { locateConfig } from './locations.ts';
import { openAdmin, type Admin } from './open-admin.ts';

export interface RemoveOptions {
  readonly name: string;
  readonly dryRun?: boolean;
}

/** Takes a server out of the configuration file, or out of what the API owns. */
export async function remove(context: CommandContext, { name, dryRun }: RemoveOptions): Promise<ExitCode> {
  const path = await locateConfig(context);
  await using admin = await openAdmin(context, path);
  const { text } = await readConfigFile(path);
  const target = !Object.hasOwn(serversIn(text), name) && (await isOwnedByApi(admin, name)) ? 'api' : 'file';
  // Says which names there are.
  if (target === 'file') removeServer(text, name);
  return await changeConfig(admin, context, {
    path,
    name,
    target,
    isDryRun: dryRun === true,
    done: `"${name}" is no longer`,
    warnings: [],
    operations: [{ op: 'remove', path: ['mcpServers', name] }],
  });
}

async function isOwnedByApi(admin: Admin, name: string): Promise<boolean> {
  const { entries } = await admin.get<ConfigBody>('/config');
  return entries.some(({ owner, path: [section, key] }) => owner === 'api' && section === 'mcpServers' && key === name);
}
