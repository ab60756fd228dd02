import { type Node, visit } from 'jsonc-parser';
import { parseJsonText } from '../config-file/json-text.ts';

/** A part of a text that is a secret written out, and what it is called. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

const SECRET_NAME =
  /token|secret|passw(or)?d|passphrase|pwd$|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key|(^|[-_])(key|pat|auth|dsn)$|connection[-_]?string/i;
const PATH_NAME = /(file|path|dir|url|uri)$/i;
const KNOWN_TOKEN =
  /(?<![A-Za-z0-9])(?:sk-|[sprw]k_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|AKIA|ASIA|AIza|eyJ|hf_|npm_|ya29\.|SG\.|lin_api_|ntn_|figd_|pypi-)[A-Za-z0-9_.~+/=-]{12,}/g;
const URL_PASSWORD = /[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/gi;
const QUERY_VALUE = /[?&]([A-Za-z0-9_.-]+)=([^&#\s]+)/g;
const NAMED_VALUE = /^-{0,2}([A-Za-z][\w.-]*)(?:=|:(?!\/\/)\s*)([\s\S]+)$/;
const SCHEME = /^(?:bearer|basic|token)\s+/i;

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PATH_NAME.test(name);
}

/**
 * Finds the secrets written out in a value. References to environment variables are not secrets.
 * @param name Key of the value, where it has one: that of the variable or header, or the flag before an argument.
 */
export function findSecrets(text: string, name?: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  const add = (start: number, end: number, name: string) => {
    if (isLiteral(text.slice(start, end)) && !spans.some((span) => start < span.end && span.start < end)) spans.push({ start, end, name });
  };
  if (name !== undefined && isSecretName(name) && !isPlainSetting(text, name)) add(SCHEME.exec(text)?.[0].length ?? 0, text.length, name);
  const named = NAMED_VALUE.exec(text);
  if (named !== null && isSecretName(named[1]!) && !isPlainSetting(named[2]!, named[1]!)) {
    const start = text.length - named[2]!.length;
    add(start + (SCHEME.exec(named[2]!)?.[0].length ?? 0), text.length, named[1]!);
  }
  for (const match of text.matchAll(URL_PASSWORD)) {
    const end = match.index + match[0].length - 1;
    add(end - match[1]!.length, end, 'password');
  }
  for (const match of text.matchAll(QUERY_VALUE)) {
    const end = match.index + match[0].length;
    if (isSecretName(match[1]!)) add(end - match[2]!.length, end, match[1]!);
  }
  for (const match of text.matchAll(KNOWN_TOKEN)) add(match.index, match.index + match[0].length, name ?? 'token');
  return spans.toSorted((left, right) => left.start - right.start);
}

/** Replaces each secret of a value by what `toText` makes of it. */
export function replaceSecrets(text: string, spans: readonly SecretSpan[], toText: (secret: string, span: SecretSpan) => string): string {
  let output = text;
  for (const span of spans.toReversed()) {
    output = output.slice(0, span.start) + toText(text.slice(span.start, span.end), span) + output.slice(span.end);
  }
  return output;
}

/** A secret as it may be shown: dots, and the last four characters where enough others stay hidden. */
export function maskSecret(secret: string): string {
  return secret.length >= 12 ? `••••${secret.slice(-4)}` : '••••';
}

/** The name `findSecrets` needs for the argument at an index: the flag before it. */
export function flagBefore(args: readonly unknown[], index: number): string | undefined {
  const previous = args[index - 1];
  return typeof previous === 'string' && /^-{1,2}[A-Za-z]/.test(previous) && !previous.includes('=')
    ? previous.replace(/^-+/, '')
    : undefined;
}

/** A JSON text as it may be shown: all secrets in it masked, those in comments too. */
export function maskJsonText(text: string): string {
  const edits: { offset: number; length: number; content: string }[] = [];
  const maskNode = (node: Node, name: string | undefined): void => {
    if (node.type === 'string' || node.type === 'number') {
      const value = String(node.value);
      const spans = findSecrets(value, name);
      if (spans.length > 0)
        edits.push({ offset: node.offset, length: node.length, content: JSON.stringify(replaceSecrets(value, spans, maskSecret)) });
    } else if (node.type === 'array') {
      const values = (node.children ?? []).map((child): unknown => child.value);
      for (const [index, child] of (node.children ?? []).entries()) maskNode(child, flagBefore(values, index) ?? name);
    } else if (node.type === 'object') {
      for (const { children } of node.children ?? []) if (children?.[1] !== undefined) maskNode(children[1], String(children[0]?.value));
    }
  };
  const { root } = parseJsonText(text);
  if (root !== undefined) maskNode(root, undefined);
  visit(text, {
    onComment: (offset, length) => edits.push({ offset, length, content: maskComment(text.slice(offset, offset + length)) }),
  });
  let output = text;
  for (const { offset, length, content } of edits.toSorted((left, right) => right.offset - left.offset)) {
    output = output.slice(0, offset) + content + output.slice(offset + length);
  }
  return output;
}

function maskComment(comment: string): string {
  const named = comment.replace(
    /("?)([\w.-]+)\1(\s*[:=]\s*)(?:"([^"\n]*)"|([^\s",}]+))/g,
    (whole, quote: string, name: string, sign: string, quoted, bare) => {
      const value = String(quoted ?? bare);
      const masked = replaceSecrets(value, findSecrets(value, name), maskSecret);
      return masked === value ? whole : `${quote}${name}${quote}${sign}${quoted === undefined ? masked : `"${masked}"`}`;
    },
  );
  return replaceSecrets(named, findSecrets(named), maskSecret);
}

function isLiteral(text: string): boolean {
  return text.replace(/\$\{[^}:]*(?::(?!-)[^}:]*)?\}/g, '').trim() !== '';
}

// `MAX_TOKENS=4096` and `USE_TOKEN=true` are settings.
function isPlainSetting(text: string, name: string): boolean {
  if (/^(true|false|yes|no|on|off)?$/i.test(text.trim())) return true;
  return /^\d+$/.test(text.trim()) && /tokens|limit|max|min|count|size|ttl|length|timeout/i.test(name);
}
