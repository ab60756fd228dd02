import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runSignalbox } from '../support/gateway.ts';

const BINARIES = path.resolve(import.meta.dirname, '../../../node_modules/.bin');

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What stdout holds as JSON. @throws SyntaxError when it holds anything else. */
  json(): Readonly<Record<string, unknown>>;
}

/** Someone at a shell: a home folder of their own, and a folder they are in. */
export interface Person extends AsyncDisposable {
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs `signalbox` with these words. */
  run(...words: readonly string[]): Promise<Answer>;
  /** Runs `signalbox` with something on stdin. */
  pipe(input: string, ...words: readonly string[]): Promise<Answer>;
  /** Writes a file below the folder they are in, or below their home with `~/`. */
  write(file: string, content: unknown): Promise<string>;
  read(file: string): Promise<string>;
}

/** Creates a person in temporary folders that go with them. */
export async function createPerson(variables: Readonly<Record<string, string | undefined>> = {}): Promise<Person> {
  const home = await mkdtemp(path.join(tmpdir(), 'signalbox-person-'));
  const cwd = path.join(home, 'project');
  await mkdir(cwd);
  const env = {
    PATH: `${BINARIES}${path.delimiter}${process.env['PATH'] ?? ''}`,
    HOME: home,
    XDG_CONFIG_HOME: undefined,
    XDG_DATA_HOME: undefined,
    CLAUDE_CONFIG_DIR: undefined,
    CODEX_HOME: undefined,
    NO_COLOR: undefined,
    ...variables,
  };
  const resolve = (file: string) => (file.startsWith('~/') ? path.join(home, file.slice(2)) : path.resolve(cwd, file));
  const run = async (words: readonly string[], input?: string): Promise<Answer> => {
    const answer = await runSignalbox(words, { cwd, env, ...(input !== undefined && { input }) });
    return { ...answer, json: () => JSON.parse(answer.stdout) as Readonly<Record<string, unknown>> };
  };
  return {
    home,
    cwd,
    env,
    run: (...words) => run(words),
    pipe: (input, ...words) => run(words, input),
    write: async (file, content) => {
      const target = resolve(file);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
      return target;
    },
    read: (file) => readFile(resolve(file), 'utf8'),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

/** A configuration of real servers that start quickly. */
export const EVERYTHING = {
  mcpServers: { everything: { command: 'mcp-server-everything' }, time: { module: '@signalbox/module-time' } },
};
