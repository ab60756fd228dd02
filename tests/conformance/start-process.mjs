import { spawn } from 'node:child_process';

const address = /http:\/\/127\.0\.0\.1:\d+\/mcp/;

/**
 * Starts a Node program and waits until it prints the address it serves.
 * The caller owns the process and must `stop()` it.
 * @param {string[]} args
 * @param {{ timeoutMs?: number, stopMs?: number }} [options] Longest wait for the address, and for a polite end.
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startProcess(args, { timeoutMs = 20_000, stopMs = 5_000 } = {}) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let output = '';
  let timer;
  try {
    const url = await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`No address in ${timeoutMs} ms; printed: ${output}`)), timeoutMs);
      child.on('error', reject);
      child.on('close', (status) => reject(new Error(`Ended with status ${status} before it served; printed: ${output}`)));
      child.stderr.on('data', (chunk) => (output = `${output}${chunk}`.slice(-8000)));
      child.stdout.on('data', (chunk) => {
        output = `${output}${chunk}`.slice(-8000);
        const found = address.exec(output)?.[0];
        if (found !== undefined) resolve(found);
      });
    });
    return { url, stop };
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
