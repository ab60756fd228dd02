import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = fileURLToPath(new URL('node22', import.meta.url));
const name = `node-${process.platform}-${process.arch}`;
const installMs = 180_000;

/**
 * The Node that runs the suites, which want 22: the one that the variable `CONFORMANCE_NODE` names, else the one in `node22/`
 * if it was installed, else the one that asks, which may take the shim.
 */
export function findSuiteNode() {
  return process.env.CONFORMANCE_NODE ?? (isInstalled() ? join(folder, 'node_modules', name, 'bin', 'node') : process.execPath);
}

function isInstalled() {
  const read = (...path) => JSON.parse(fs.readFileSync(join(folder, ...path), 'utf8'));
  try {
    return read('node_modules', name, 'package.json').version === read('package.json').optionalDependencies[name];
  } catch {
    return false;
  }
}

/** Installs it where there is one for this machine and it is needed. Without it the suites run all the same. */
async function install() {
  const { optionalDependencies } = JSON.parse(fs.readFileSync(join(folder, 'package.json'), 'utf8'));
  if ('globSync' in fs || !(name in optionalDependencies) || isInstalled()) return;
  process.stdout.write('Installing Node 22 for the conformance suites\n');
  const args = ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
  const [command, ...own] = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];
  const child = spawn(command, [...own, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs });
  await new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', resolve);
  });
  if (!isInstalled()) process.stdout.write('It could not be installed; the suites run on this Node, with a shim\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await install();
