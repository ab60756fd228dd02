import { basename } from 'node:path';

const RUNNERS: Readonly<
  Record<
    string,
    { readonly subcommands?: readonly string[]; readonly valueFlags: readonly string[]; readonly packageFlags: readonly string[] }
  >
> = {
  npx: { valueFlags: ['-c', '--call', '-w', '--workspace'], packageFlags: ['-p', '--package'] },
  npm: { subcommands: ['exec', 'x'], valueFlags: ['-c', '--call', '-w', '--workspace'], packageFlags: ['-p', '--package'] },
  pnpm: { subcommands: ['dlx'], valueFlags: ['-c'], packageFlags: ['--package'] },
  yarn: { subcommands: ['dlx'], valueFlags: [], packageFlags: ['-p', '--package'] },
  bunx: { valueFlags: [], packageFlags: ['-p', '--package'] },
  uvx: { valueFlags: ['-p', '--python', '--index-url', '--with', '-w'], packageFlags: ['--from'] },
};

/**
 * The package a command fetches anew at each start because it names no exact version.
 * @returns its name as it is written, or `undefined` when the command names a version or fetches nothing.
 */
export function unpinnedPackage(command: string, args: readonly string[]): string | undefined {
  const runner = RUNNERS[basename(command).replace(/\.(cmd|exe)$/i, '')];
  if (runner === undefined) return undefined;
  if (runner.subcommands !== undefined && !runner.subcommands.includes(args[0] ?? '')) return undefined;
  const fetched = packageOf(runner.subcommands === undefined ? args : args.slice(1), runner);
  return fetched === undefined || isPinned(fetched) ? undefined : fetched;
}

function packageOf(args: readonly string[], { valueFlags, packageFlags }: (typeof RUNNERS)[string]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    const [flag, value] = splitFlag(word);
    if (packageFlags.includes(flag)) return value ?? args[index + 1];
    if (valueFlags.includes(word)) index++;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

function splitFlag(word: string): [string, string | undefined] {
  const sign = word.indexOf('=');
  return word.startsWith('--') && sign > 0 ? [word.slice(0, sign), word.slice(sign + 1)] : [word, undefined];
}

// Files, archives and repositories at a commit say exactly what they are; ranges and tags such as "latest" do not.
function isPinned(name: string): boolean {
  if (/^(\.{0,2}\/|file:|https?:)/.test(name)) return true;
  if (/^(git[+:]|github:)/.test(name)) return /#[0-9a-f]{7,40}$|@[0-9a-f]{7,40}$/.test(name);
  return /.@\d+\.\d+[\w.+-]*$|==\d[\w.+!-]*$/.test(name);
}
