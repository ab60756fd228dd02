import { spawn } from 'node:child_process';

/**
 * Starts a program and waits until it says where it listens.
 * The caller owns the process and must `stop()` it.
 * @param {{ command: string, args: string[], cwd?: string, env?: Record<string, string>, ready: RegExp, timeoutMs?: number, stopMs?: number }} options
 *   `ready` is looked for in what the program prints.
 * @returns {Promise<{ found: RegExpExecArray, output: () => string, stop: () => Promise<void> }>}
 */
export async function startProgram({ command, args, cwd, env = {}, ready, timeoutMs = 20_000, stopMs = 5_000 }) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let output = '';
  let timer;
  try {
    const found = await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`"${command}" was not ready in ${timeoutMs} ms; it printed: ${output}`)), timeoutMs);
      child.on('error', reject);
      child.on('close', (status) => reject(new Error(`"${command}" ended with status ${status}; it printed: ${output}`)));
      const read = (chunk) => {
        output = `${output}${chunk}`.slice(-20_000);
        const match = ready.exec(output);
        if (match !== null) resolve(match);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
    });
    return { found, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }

  async function stop() {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(force);
  }
}
