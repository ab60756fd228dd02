import { resolve } from 'node:path';
import { serversIn, type ServerEntry } from '../config-file/config-text.ts';
import { readConfigFile } from '../config-file/read-config-file.ts';
import { findSecrets, flagBefore } from '../import/secrets.ts';
import { changeConfig } from './change-config.ts';
import type { CommandContext } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { usageError } from './failures.ts';
import { locateConfigToWrite } from './locations.ts';
import { openAdmin } from './open-admin.ts';
import { pathExists } from './path-exists.ts';
import { unpinnedPackage } from './unpinned-package.ts';

export interface AddOptions {
  readonly name: string;
  /** An address, or a command with its arguments. */
  readonly target: readonly string[];
  readonly env: readonly string[];
  readonly header: readonly string[];
  readonly cwd?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Adds a server to the configuration file. */
export async function add(context: CommandContext, options: AddOptions): Promise<ExitCode> {
  const { name } = options;
  const path = await locateConfigToWrite(context);
  const entry = toEntry(options, context.cwd);
  if (options.force !== true && (await pathExists(path)) && Object.hasOwn(serversIn((await readConfigFile(path)).text), name)) {
    throw usageError(
      `Cannot add "${name}": the configuration "${path}" has a server of that name`,
      `Choose another name, or replace that server with --force`,
    );
  }
  await using admin = await openAdmin(context, path);
  return await changeConfig(admin, context, {
    path,
    name,
    isDryRun: options.dryRun === true,
    done: `"${name}" is`,
    warnings: warningsOf(entry),
    operations: [{ op: 'set', path: ['mcpServers', name], value: entry }],
  });
}

interface Entry extends ServerEntry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The entry the command line asks for. @throws GatewayError when options do not fit what is added. */
export function toEntry({ target, env, header, cwd }: Omit<AddOptions, 'name'>, folder: string): Entry {
  const [first = '', ...args] = target;
  if (/^(?:https?|wss?):\/\//i.test(first)) {
    if (args.length > 0)
      throw usageError(
        `Cannot add an address with arguments: "${args.join(' ')}" follows "${first}"`,
        'Give headers with --header name=value',
      );
    if (env.length > 0 || cwd !== undefined)
      throw usageError('"--env" and "--cwd" are for commands, and an address was given', 'Give headers with --header name=value');
    return { url: first, ...(header.length > 0 && { headers: toPairs(header, 'header') }) };
  }
  if (header.length > 0) throw usageError('"--header" is for addresses, and a command was given', 'Give variables with --env name=value');
  return {
    command: first,
    ...(args.length > 0 && { args }),
    ...(env.length > 0 && { env: toPairs(env, 'env') }),
    ...(cwd !== undefined && { cwd: resolve(folder, cwd) }),
  };
}

function toPairs(words: readonly string[], option: 'env' | 'header'): Record<string, string> {
  const pattern = option === 'env' ? /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s : /^([!#$%&'*+.^_`|~\w-]+)(?:=|:\s*)(.*)$/s;
  return Object.fromEntries(
    words.map((word) => {
      const [, name, value] = pattern.exec(word) ?? [];
      if (name === undefined || value === undefined)
        throw usageError(`Cannot read --${option} "${word.split('=', 1)[0]!}": it must have the form name=value`);
      return [name, value];
    }),
  );
}

/** What speaks against an entry although it is valid. No text holds a secret. */
export function warningsOf({ command, args = [], env = {}, headers = {}, url = '' }: Entry): string[] {
  const unpinned = command === undefined ? undefined : unpinnedPackage(command, args);
  const pinning = `"${unpinned}" names no exact version, so each start may run other code; write "${(unpinned ?? '').replace(/(.)@[^@/]*$/, '$1')}@<version>"`;
  const isSecret = (value: string, name?: string) => findSecrets(value, name).length > 0;
  return [
    ...(unpinned === undefined ? [] : [pinning]),
    ...Object.entries(env).flatMap(([name, value]) =>
      isSecret(value, name) ? [secretWarning(`The variable "${name}"`, `--env '${name}=\${env:${name}}'`)] : [],
    ),
    ...Object.entries(headers).flatMap(([name, value]) =>
      isSecret(value, name)
        ? [secretWarning(`The header "${name}"`, `--header '${name}=${/^bearer /i.test(value) ? 'Bearer ' : ''}\${env:MY_TOKEN}'`)]
        : [],
    ),
    ...args.flatMap((value, index) =>
      isSecret(value, flagBefore(args, index)) ? [secretWarning(`Argument ${index + 1}`, "'${env:MY_TOKEN}'")] : [],
    ),
    ...(isSecret(url) ? [secretWarning('The address', "'${env:MY_TOKEN}'")] : []),
  ];
}

function secretWarning(what: string, instead: string): string {
  return `${what} seems to hold a secret, which is now written out in the file; ${instead} takes it from the environment of the gateway`;
}
