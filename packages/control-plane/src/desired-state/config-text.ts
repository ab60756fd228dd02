import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { ConfigProblem } from '@signalbox/core';

/** A place in a text. Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface ConfigText {
  readonly value: unknown;
  /** What keeps the text from being read; the value means nothing unless this is empty. */
  readonly problems: readonly (ConfigProblem & Position)[];
  /** Where the setting at a dotted path stands, or the nearest thing around it that is in the text. */
  positionOf(path: string): Position | undefined;
}

/** Parses JSON in which comments and trailing commas are allowed, and remembers where everything stands. */
export function parseConfigText(source: string): ConfigText {
  // A byte order mark would be an invalid symbol; a space in its place keeps the columns right.
  const text = source.startsWith('\uFEFF') ? ` ${source.slice(1)}` : source;
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const problems = errors[0] === undefined ? duplicates(text, root, '') : [syntaxProblem(text, errors[0])];
  return {
    value: root === undefined || problems.length > 0 ? undefined : toValue(root),
    problems,
    positionOf: (path) => (root === undefined || path === '' ? undefined : positionAt(text, findNode(root, path).offset)),
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a value (text in double quotes, a number, true, false, null, {…} or […])',
  InvalidNumberFormat: 'expected a number',
  PropertyNameExpected: 'expected a name in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected ":"',
  CommaExpected: 'expected ","',
  CloseBraceExpected: 'expected "}"',
  CloseBracketExpected: 'expected "]"',
  EndOfFileExpected: 'expected the end of the file',
  UnexpectedEndOfComment: 'expected "*/"',
  UnexpectedEndOfString: 'expected a closing double quote on the same line',
  UnexpectedEndOfNumber: 'expected a digit',
  InvalidUnicode: 'expected four hexadecimal digits after "\\u"',
  InvalidEscapeCharacter: 'expected one of " \\ / b f n r t u after the backslash',
  InvalidCharacter: 'expected a control character to be written as an escape sequence',
};

// Only the first: the others are mostly its consequences.
function syntaxProblem(text: string, { error, offset, length }: ParseError): ConfigProblem & Position {
  const found = offset >= text.trimEnd().length ? 'the end of the file' : JSON.stringify(text.slice(offset, offset + Math.min(length, 20)));
  const code = printParseErrorCode(error);
  return { path: '', message: `${EXPECTED[code] ?? code}, found ${found}`, ...positionAt(text, offset) };
}

// JSON lets the last one win without a word, and a server that is silently missing is hard to find.
function duplicates(text: string, node: Node | undefined, path: string): (ConfigProblem & Position)[] {
  const seen = new Map<string, Node>();
  return (node?.children ?? []).flatMap((child, index) => {
    if (node?.type !== 'object') return duplicates(text, child, join(path, String(index)));
    const [key, value] = child.children ?? [];
    const name = String(key?.value);
    const inner = duplicates(text, value, join(path, name));
    const earlier = seen.get(name);
    seen.set(name, child);
    if (earlier === undefined) return inner;
    const message = `is given twice; the first is in line ${positionAt(text, earlier.offset).line}`;
    return [{ path: join(path, name), message, ...positionAt(text, child.offset) }, ...inner];
  });
}

function toValue(node: Node): unknown {
  const children = node.children ?? [];
  if (node.type === 'array') return children.map(toValue);
  if (node.type !== 'object') return node.value as unknown;
  // `fromEntries` defines each key, `__proto__` too, where an assignment would change the object's nature.
  return Object.fromEntries(children.map(({ children: [key, value] = [] }) => [String(key?.value), value && toValue(value)]));
}

// Names may hold dots, so the longest name that fits is tried first.
function findNode(node: Node, path: string): Node {
  if (node.type === 'array') {
    const [index = '', ...rest] = path.split('.');
    const child = node.children?.[Number(index)];
    return child === undefined ? node : descend(child, child, rest.join('.'));
  }
  const fitting = (node.children ?? [])
    .map((property) => ({ property, name: String(property.children?.[0]?.value), value: property.children?.[1] }))
    .filter(({ name }) => path === name || path.startsWith(`${name}.`) || isOldName(name, path))
    .toSorted((left, right) => right.name.length - left.name.length)[0];
  if (node.type !== 'object' || fitting?.value === undefined) return node;
  const step = isOldName(fitting.name, path) ? 'mcpServers' : fitting.name;
  return descend(fitting.property, fitting.value, path.slice(step.length + 1));
}

function descend(place: Node, value: Node, rest: string): Node {
  if (rest === '') return place;
  const found = findNode(value, rest);
  return found === value ? place : found;
}

function isOldName(name: string, path: string): boolean {
  return name === 'servers' && (path === 'mcpServers' || path.startsWith('mcpServers.'));
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
