import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024;

/** Runs a program without a shell and returns what it wrote to stdout. Fails when it does not end with 0 within 30 seconds. */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES, windowsHide: true });
  return stdout;
}
