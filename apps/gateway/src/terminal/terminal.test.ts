import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createTerminal } from './terminal.ts';

function streams({ isTTY = false, columns = 100 } = {}) {
  const make = () => Object.assign(new PassThrough(), { isTTY, columns });
  const [stdin, stdout, stderr] = [make(), make(), make()];
  const given = { stdin, stdout, stderr } as unknown as Pick<Parameters<typeof createTerminal>[0], 'stdin' | 'stdout' | 'stderr'>;
  const written = async () => {
    stdout.end();
    stderr.end();
    return { stdout: await text(stdout), stderr: await text(stderr) };
  };
  return { given, stdin, written };
}

test('an answer is lines for people, or one document and no line where JSON is asked for', async () => {
  const people = streams();
  createTerminal({ ...people.given, env: {}, isJson: false }).answer({ a: 1 }, () => ['one', 'two']);
  expect(await people.written()).toEqual({ stdout: 'one\ntwo\n', stderr: '' });

  const program = streams();
  createTerminal({ ...program.given, env: {}, isJson: true }).answer({ a: 1 }, () => ['one', 'two']);
  expect(JSON.parse((await program.written()).stdout)).toEqual({ a: 1 });
});

test('notes never go to stdout', async () => {
  const { given, written } = streams();
  createTerminal({ ...given, env: {}, isJson: false }).note('by the way');
  expect(await written()).toEqual({ stdout: '', stderr: 'by the way\n' });
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
])('with %j and a terminal: %s, colours are shown: %s', (env, isTTY, isColored) => {
  const terminal = createTerminal({ ...streams({ isTTY }).given, env, isJson: false });
  expect(terminal.paint.red('x') !== 'x').toBe(isColored);
});

test('where there is no terminal, lines may be of any length', () => {
  expect(createTerminal({ ...streams().given, env: {}, isJson: false }).width).toBe(Infinity);
  expect(createTerminal({ ...streams({ isTTY: true, columns: 120 }).given, env: {}, isJson: false }).width).toBe(120);
});

test.each([
  ['y\n', true],
  ['YES\n', true],
  ['\n', false],
  ['no\n', false],
])('the answer %j to a question means %s', async (typed, expected) => {
  const { given, stdin } = streams({ isTTY: true });
  const answer = createTerminal({ ...given, env: {}, isJson: false }).confirm('Write?');
  stdin.write(typed);
  expect(await answer).toBe(expected);
});
