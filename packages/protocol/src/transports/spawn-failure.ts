import { stat } from 'node:fs/promises';
import { GatewayError, toMessage } from '@signalbox/core';

interface SpawnOptions {
  readonly upstream: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Says why a program could not be started. */
export async function spawnFailure(options: SpawnOptions, error: unknown): Promise<GatewayError> {
  const { upstream, command, cwd } = options;
  const reason = await describeSpawnFailure(options, error);
  return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot start upstream "${upstream}": ${reason}`, {
    cause: error,
    data: { upstream, phase: 'spawn', command, cwd, sent: false, reason },
  });
}

async function describeSpawnFailure({ command, cwd, env }: SpawnOptions, error: unknown): Promise<string> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    // The system gives the same answer for a missing folder and a missing program.
    const isFolder = await stat(cwd).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) return `its folder "${cwd}" does not exist`;
    if (command.includes('/')) return `there is no program "${command}"`;
    return env['PATH'] === undefined
      ? `there is no program "${command}"; PATH is not set for it`
      : `there is no program "${command}" in PATH "${env['PATH']}"`;
  }
  if (code === 'EACCES') return `"${command}" is not an executable file, or its folder may not be entered`;
  if (code === 'E2BIG') return `its arguments and environment are too long`;
  return toMessage(error);
}
