import { createInterface } from 'node:readline/promises';
import { createPaint, type Paint } from './paint.ts';

/** Where a command speaks: answers on stdout, everything said beside them on stderr. */
export interface Terminal {
  /** Whether stdout carries JSON and nothing else. */
  readonly isJson: boolean;
  /** Whether someone sits there who can be asked. */
  readonly isInteractive: boolean;
  /** Columns of stdout; `Infinity` where it is no terminal. */
  readonly width: number;
  /** Whether stdout is a terminal, so that texts of others must be made safe. */
  readonly isTerminal: boolean;
  /** Colours of stdout. */
  readonly paint: Paint;
  /** Colours of stderr. */
  readonly notePaint: Paint;
  /** Writes one line of the answer. */
  line(text?: string): void;
  /** Writes a text of the answer as it is. */
  text(text: string): void;
  /** Writes a value as one line of JSON. */
  event(value: unknown): void;
  /** Answers a command: `document` as JSON where that is asked for, otherwise the lines. */
  answer(document: unknown, lines: () => Iterable<string>): void;
  /** Writes one line beside the answer. */
  note(text: string): void;
  /** Asks a question that has yes or no for an answer. */
  confirm(question: string): Promise<boolean>;
}

export interface TerminalOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isJson: boolean;
}

export function createTerminal({ stdin, stdout, stderr, env, isJson }: TerminalOptions): Terminal {
  // https://no-color.org: set and not empty, whatever its value.
  const wantsColor = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const write = (text: string) => void stdout.write(text);
  const isInteractive = stdin.isTTY === true && stderr.isTTY === true;
  const terminal: Terminal = {
    isJson,
    isInteractive,
    isTerminal: stdout.isTTY === true,
    get width() {
      return stdout.isTTY === true ? Math.max(40, stdout.columns || 80) : Infinity;
    },
    paint: createPaint(wantsColor && stdout.isTTY === true),
    notePaint: createPaint(wantsColor && stderr.isTTY === true),
    line: (text = '') => write(`${text}\n`),
    text: write,
    event: (value) => write(`${JSON.stringify(value)}\n`),
    answer: (document, lines) => {
      if (isJson) write(`${JSON.stringify(document, undefined, 2)}\n`);
      else for (const line of lines()) write(`${line}\n`);
    },
    note: (text) => void stderr.write(`${text}\n`),
    confirm: async (question) => {
      const reader = createInterface({ input: stdin, output: stderr });
      try {
        return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
      } finally {
        reader.close();
      }
    },
  };
  return terminal;
}
