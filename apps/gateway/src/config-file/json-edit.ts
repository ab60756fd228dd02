import type { Node } from 'jsonc-parser';
import { GatewayError } from '@signalbox/core';
import { memberOf, parseJsonText, skipTrivia } from './json-text.ts';

/**
 * Writes a value at a path of a JSON text and leaves every other character as it is: comments, order, blanks, trailing commas.
 * Objects missing on the way are created; a value already there is replaced.
 * @throws GatewayError `INVALID_CONFIG` when the text has syntax errors or something on the way is not an object.
 */
export function setProperty(text: string, path: readonly string[], value: unknown): string {
  const root = parseObject(text);
  if (root === undefined)
    return `${text.trimEnd() === '' ? '' : `${text.trimEnd()}\n`}${renderJson(nest(path, value), '', styleOf(text))}\n`;
  let object = root;
  for (const [depth, key] of path.entries()) {
    const member = memberOf(object, key);
    const rest = path.slice(depth + 1);
    if (member === undefined) return insertMember(text, object, key, nest(rest, value));
    const current = member.children?.[1];
    if (current === undefined || rest.length === 0 || current.type === 'null') {
      const indent = indentBefore(text, member.offset) ?? '';
      return splice(text, current?.offset ?? member.offset, current?.length ?? 0, renderJson(nest(rest, value), indent, styleOf(text)));
    }
    if (current.type !== 'object') throw notAnObject(path.slice(0, depth + 1));
    object = current;
  }
  return text;
}

/** Takes the member at a path out of a JSON text, with its comma and, where it stood alone, its line. Comments around it stay. */
export function removeProperty(text: string, path: readonly string[]): string {
  let object = parseObject(text);
  for (const key of path.slice(0, -1)) object = object && memberOf(object, key)?.children?.[1];
  const member = object && memberOf(object, path.at(-1)!);
  if (object === undefined || member === undefined) return text;
  const end = member.offset + member.length;
  const comma = skipTrivia(text, end);
  if (text[comma] === ',') {
    const isAdjacent = text.slice(end, comma).trim() === '';
    if (isAdjacent) return cut(text, member.offset, comma + 1);
    return cut(splice(text, comma, 1, ''), member.offset, end);
  }
  const without = cut(text, member.offset, end);
  // Nothing follows, so the comma to go, if there is one, is that of the member before.
  const previous = object.children!.at(-2);
  if (previous === undefined) return without;
  return splice(without, skipTrivia(text, previous.offset + previous.length), 1, '');
}

interface Style {
  readonly eol: string;
  readonly unit: string;
}

function styleOf(text: string): Style {
  return { eol: text.includes('\r\n') ? '\r\n' : '\n', unit: /^([ \t]+)"/m.exec(text)?.[1] ?? '  ' };
}

function parseObject(text: string): Node | undefined {
  const { root, syntaxErrors } = parseJsonText(text);
  const problem = syntaxErrors[0];
  if (problem !== undefined) {
    throw new GatewayError('INVALID_CONFIG', `Cannot edit the file: line ${problem.line}, column ${problem.column}: ${problem.message}`, {
      data: { problems: syntaxErrors },
    });
  }
  if (root !== undefined && root.type !== 'object') throw notAnObject([]);
  return root;
}

function notAnObject(path: readonly string[]): GatewayError {
  const what = path.length === 0 ? 'the file' : `"${path.join('.')}"`;
  return new GatewayError('INVALID_CONFIG', `Cannot edit the file: ${what} must hold an object in braces`);
}

function nest(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function insertMember(text: string, object: Node, key: string, value: unknown): string {
  const style = styleOf(text);
  const last = object.children?.at(-1);
  if (last === undefined) return fillObject(text, object, { key, value, style });
  const end = last.offset + last.length;
  const next = skipTrivia(text, end);
  const hasTrailingComma = text[next] === ',';
  const indent = indentBefore(text, last.offset);
  if (indent === undefined) {
    const member = `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    return hasTrailingComma ? splice(text, next + 1, 0, ` ${member},`) : splice(text, end, 0, `, ${member}`);
  }
  const member = `${style.eol}${indent}${JSON.stringify(key)}: ${renderJson(value, indent, style)}`;
  // A comment behind the last member, on its line, speaks of that member and stays with it.
  if (hasTrailingComma) return splice(text, endOfLineComments(text, next + 1), 0, `${member},`);
  return splice(splice(text, endOfLineComments(text, end), 0, member), end, 0, ',');
}

function fillObject(text: string, object: Node, { key, value, style }: { key: string; value: unknown; style: Style }): string {
  const close = object.offset + object.length - 1;
  const outer = lineIndent(text, object.offset);
  const indent = outer + style.unit;
  const inside = text.slice(object.offset + 1, close).trimEnd();
  const member = `${JSON.stringify(key)}: ${renderJson(value, indent, style)}`;
  return splice(text, object.offset + 1, close - object.offset - 1, `${inside}${style.eol}${indent}${member}${style.eol}${outer}`);
}

/** The blanks before an offset if nothing else precedes it on its line. */
function indentBefore(text: string, offset: number): string | undefined {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).replace('\uFEFF', '');
  return offset > 0 && text.lastIndexOf('\n', offset - 1) >= 0 && before.trim() === '' ? before : undefined;
}

function lineIndent(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset))![0];
}

function endOfLineComments(text: string, from: number): number {
  const comments = /(?:[ \t]*(?:\/\/[^\n\r]*|\/\*(?:(?!\*\/)[^\n\r])*\*\/))*/y;
  comments.lastIndex = from;
  comments.exec(text);
  return Math.max(from, comments.lastIndex);
}

function cut(text: string, start: number, end: number): string {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const rest = /[ \t]*(?:\r?\n)?/y;
  rest.lastIndex = end;
  rest.exec(text);
  const isAloneOnItsLines =
    indentBefore(text, start) !== undefined && (text[rest.lastIndex - 1] === '\n' || rest.lastIndex === text.length);
  if (isAloneOnItsLines) return text.slice(0, lineStart) + text.slice(rest.lastIndex);
  return text.slice(0, start) + text.slice(end).replace(/^[ \t]+/, '');
}

function splice(text: string, offset: number, length: number, inserted: string): string {
  return text.slice(0, offset) + inserted + text.slice(offset + length);
}

/** Like `JSON.stringify` with indentation, except that a short list of plain values stays on one line. */
function renderJson(value: unknown, indent: string, style: Style): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = indent + style.unit;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((item) => renderJson(item, inner, style))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}: ${renderJson(item, inner, style)}`);
  if (parts.length === 0) return isList ? '[]' : '{}';
  const flat = parts.join(', ');
  if (isList && flat.length <= 100 && value.every((item) => typeof item !== 'object')) return `[${flat}]`;
  const [open, close] = isList ? '[]' : '{}';
  return `${open}${style.eol}${inner}${parts.join(`,${style.eol}${inner}`)}${style.eol}${indent}${close}`;
}
