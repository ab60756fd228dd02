import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findSuiteNode } from './suite-node.mjs';

const packageOf = { '0.1.16': '@modelcontextprotocol/conformance', '0.2.0-alpha.12': 'conformance-next' };
const shim = new URL('shim.mjs', import.meta.url).href;

/**
 * Runs one of the official suites as a child.
 * @param {{ version: string, args: string[], timeoutMs: number }} options
 * @returns {Promise<string>} Everything it printed. Its exit code is not used: 1 means a failing check, which the summary tells better.
 * @throws When the suite does not run to its end within `timeoutMs`.
 */
export function runSuiteProcess({ version, args, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(findSuiteNode(), ['--import', shim, toEntry(version), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`The suite did not end in ${timeoutMs} ms; its last words: ${output.slice(-2000)}`));
    }, timeoutMs);
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

function toEntry(version) {
  if (!(version in packageOf)) throw new Error(`Unknown suite "${version}"; known are ${Object.keys(packageOf).join(', ')}`);
  const manifest = createRequire(import.meta.url).resolve(`${packageOf[version]}/package.json`);
  return join(dirname(manifest), 'dist', 'index.js');
}
