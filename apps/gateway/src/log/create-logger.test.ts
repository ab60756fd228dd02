import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger, type LogFileConfig } from './create-logger.ts';

const config: LogFileConfig = { level: 'info', maxBytes: 4096, keep: 3 };

let dataDir: string;
let fd: number;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-log-'));
  fd = openSync(join(dataDir, 'stderr'), 'a');
});
afterEach(async () => {
  closeSync(fd);
  await rm(dataDir, { recursive: true, force: true });
});

const stderrText = () => readFileSync(join(dataDir, 'stderr'), 'utf8');
const parseLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('lines on stderr are JSON with the level as a word and the time as ISO 8601, there before the call returns', () => {
  const logger = createLogger(config, { dataDir, stderr: { fd } });
  logger.info('Upstream ready', { upstream: 'github', tools: 3 });
  const [line] = parseLines(stderrText());
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    msg: 'Upstream ready',
    upstream: 'github',
    tools: 3,
  });
});

test('each level is written from its own level on', () => {
  const levels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
  for (const least of levels) {
    const logger = createLogger({ ...config, level: least }, { dataDir, stderr: { fd } });
    for (const level of levels) logger[level](`from ${least}`);
    expect(logger.isDebug).toBe(least === 'debug');
  }
  const lines = parseLines(stderrText());
  for (const [index, least] of levels.entries()) {
    expect(lines.filter(({ msg }) => msg === `from ${least}`).map(({ level }) => level)).toEqual(levels.slice(index));
  }
});

test('a logger with fields adds them to each line', () => {
  const logger = createLogger(config, { dataDir, stderr: { fd } }).with({ upstream: 'github', token: 'abc' }).with({ callId: '7' });
  logger.warn('Slow', { ms: 3 });
  expect(parseLines(stderrText())[0]).toMatchObject({ upstream: 'github', token: '[redacted]', callId: '7', ms: 3 });
});

test('line breaks and escape sequences in what is logged cannot forge a line', () => {
  const evil = 'a\r\n{"level":"fatal"}\u001B[2J%s %d %%';
  const plain = createLogger(config, { dataDir, stderr: { fd } });
  plain.info(evil, { evil });
  expect(stderrText().split('\n')).toHaveLength(2);
  expect(parseLines(stderrText())[0]).toMatchObject({ msg: evil, evil });
  const pretty = createLogger(config, { dataDir, stderr: { fd, isTTY: true } });
  pretty.info(evil, { evil });
  expect(stderrText().split('\n')).toHaveLength(3);
  expect(stderrText()).not.toContain('\u001B');
});

test('on a terminal a line is short and readable', () => {
  createLogger(config, { dataDir, stderr: { fd, isTTY: true } }).warn('Upstream failed', {
    upstream: 'github',
    reason: 'no answer',
    starts: 2,
  });
  expect(stderrText()).toMatch(/^\d\d:\d\d:\d\d warn {2}Upstream failed upstream=github reason="no answer" starts=2\n$/);
});

test('a file gets the lines, belongs to its owner alone, and leaves stderr and stdout silent', async () => {
  const stdout = vi.spyOn(process.stdout, 'write');
  const logger = createLogger({ ...config, file: 'logs/gateway.log' }, { dataDir, stderr: { fd } });
  logger.info('one');
  logger.info('two');
  await logger.close();
  expect(parseLines(await readFile(join(dataDir, 'logs/gateway.log'), 'utf8')).map(({ msg }) => msg)).toEqual(['one', 'two']);
  expect((await stat(join(dataDir, 'logs/gateway.log'))).mode & 0o077).toBe(0);
  expect(stderrText()).toBe('');
  expect(stdout).not.toHaveBeenCalled();
  stdout.mockRestore();
});

test('a file is rotated by size, as many as wanted are kept, and no line is lost or torn before that', async () => {
  const logger = createLogger({ ...config, file: 'gateway.log' }, { dataDir, stderr: { fd } });
  for (let index = 0; index < 200; index++) logger.info('line', { index, padding: 'x'.repeat(100) });
  await logger.close();
  const names = (await readdir(dataDir)).filter((name) => name.startsWith('gateway.log')).toSorted();
  expect(names).toEqual(['gateway.log', 'gateway.log.1', 'gateway.log.2', 'gateway.log.3']);
  const texts = await Promise.all(names.toReversed().map((name) => readFile(join(dataDir, name), 'utf8')));
  const indexes = parseLines(texts.join('')).map(({ index }) => index as number);
  expect(indexes).toEqual(Array.from({ length: indexes.length }, (_, index) => 200 - indexes.length + index));
  for (const text of texts) expect(text.length).toBeLessThan(4096 * 1.25);
  expect(indexes.length).toBeGreaterThan(60);
});

test('a flood within one turn is written whole and in order', async () => {
  const logger = createLogger({ ...config, maxBytes: 50_000_000, file: 'gateway.log' }, { dataDir, stderr: { fd } });
  for (let index = 0; index < 20_000; index++) logger.info('flood', { index });
  await logger.close();
  const lines = parseLines(await readFile(join(dataDir, 'gateway.log'), 'utf8'));
  expect(lines).toHaveLength(20_000);
  expect(lines.every(({ index }, at) => index === at)).toBe(true);
});

test('a fatal line is in the file before the call returns', async () => {
  const logger = createLogger({ ...config, file: 'gateway.log' }, { dataDir, stderr: { fd } });
  logger.error('before');
  logger.fatal('the end');
  expect(parseLines(readFileSync(join(dataDir, 'gateway.log'), 'utf8')).map(({ msg }) => msg)).toEqual(['before', 'the end']);
  await logger.close();
  expect(parseLines(readFileSync(join(dataDir, 'gateway.log'), 'utf8'))).toHaveLength(2);
});

test('a file that cannot be written is given up for stderr, and nothing is lost', async () => {
  await writeFile(join(dataDir, 'logs'), 'a file where the folder should be');
  const logger = createLogger({ ...config, file: 'logs/gateway.log' }, { dataDir, stderr: { fd } });
  logger.info('one');
  await logger.close();
  logger.info('two');
  const messages = parseLines(stderrText()).map(({ msg }) => msg);
  expect(messages).toEqual([expect.stringContaining(`Cannot write the log file "${join(dataDir, 'logs/gateway.log')}"`), 'one', 'two']);
});

test('a folder in the place of the file is reported too', async () => {
  await mkdir(join(dataDir, 'gateway.log'));
  const logger = createLogger({ ...config, file: 'gateway.log' }, { dataDir, stderr: { fd } });
  logger.fatal('the end');
  await logger.close();
  expect(stderrText()).toContain('the end');
});

test('after closing, lines go to stderr', async () => {
  const logger = createLogger({ ...config, file: 'gateway.log' }, { dataDir, stderr: { fd } });
  await logger.close();
  await logger.close();
  logger.info('late');
  expect(parseLines(stderrText())[0]).toMatchObject({ msg: 'late' });
});

test('a relative file needs a data folder', () => {
  expect(() => createLogger({ ...config, file: 'gateway.log' }, { dataDir: undefined, stderr: { fd } })).toThrow(
    'Cannot log to "gateway.log": it is relative to the data folder, and there is none',
  );
});

/** Creates a logger together with what it does when the process ends. */
function createEnding() {
  const before = new Set(process.listeners('exit'));
  const logger = createLogger({ ...config, maxBytes: 1_000_000, file: 'logs/gateway.log' }, { dataDir, stderr: { fd } });
  const added = process.listeners('exit').filter((listener) => !before.has(listener));
  return { logger, end: () => added.forEach((listener) => listener.call(process, 1)) };
}

const text = () => (existsSync(join(dataDir, 'logs/gateway.log')) ? readFileSync(join(dataDir, 'logs/gateway.log'), 'utf8') : '');
const messages = () => parseLines(text()).map(({ msg }) => msg);

test('lines logged in the turn in which the process ends are in the file', async () => {
  const { logger, end } = createEnding();
  for (const line of ['one', 'two', 'three']) logger.error(line);
  end();
  expect(messages()).toEqual(['one', 'two', 'three']);
  await logger.close();
  expect(messages()).toEqual(['one', 'two', 'three']);
});

test('lines that are in the file already when the process ends are not written again', async () => {
  const { logger, end } = createEnding();
  logger.error('one');
  await vi.waitUntil(() => text() !== '');
  logger.error('two');
  end();
  expect(messages()).toEqual(['one', 'two']);
  await logger.close();
});

test('a closed logger leaves nothing to do at the end of the process', async () => {
  const before = process.listenerCount('exit');
  const { logger } = createEnding();
  expect(process.listenerCount('exit')).toBe(before + 1);
  await logger.close();
  expect(process.listenerCount('exit')).toBe(before);
});
