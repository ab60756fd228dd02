import { compareTexts } from './compare-texts.ts';
import { hashOf } from './hash-of.ts';

/**
 * In what two arguments of one tool differ, as kinds of edit without any value. Edits that are safe by construction (the place of a
 * key, nothing said in two ways, an argument that is left out or stands at the schema's default) leave no trace in it.
 */
export interface ArgumentDifference {
  /** Kinds of edit, sorted and joined; empty when nothing differs but by construction; `undefined` when no reuse is thinkable. */
  readonly kind: string | undefined;
  /** Where and between what, as a hash: the same edit in the same place has the same. */
  readonly detail: string;
}

export interface CompareOptions {
  /** The tool's input schema, for its defaults. */
  readonly inputSchema?: unknown;
}

/** Compares the arguments of two calls of one tool. Never throws; what is too large to compare is not comparable. */
export function compareArguments(pair: { readonly a: unknown; readonly b: unknown }, options: CompareOptions = {}): ArgumentDifference {
  const walk: Walk = { edits: new Map(), left: maxNodes, isHopeless: false };
  compareValues({ a: pair.a, b: pair.b, path: '', schema: options.inputSchema, depth: 0 }, walk);
  if (walk.isHopeless || walk.edits.size > maxEdits) return { kind: undefined, detail: '' };
  const kinds = [...new Set([...walk.edits.values()].map(({ kind }) => kind))].toSorted();
  const detail = [...walk.edits].map(([path, { between }]) => `${path}:${between}`).toSorted();
  return { kind: kinds.join('+'), detail: hashOf(detail.join('|')) };
}

const maxNodes = 500;
const maxDepth = 8;
const maxEdits = 3;
const maxText = 2_000;

interface Walk {
  readonly edits: Map<string, { readonly kind: string; readonly between: string }>;
  left: number;
  isHopeless: boolean;
}

interface Place {
  readonly a: unknown;
  readonly b: unknown;
  readonly path: string;
  readonly schema: unknown;
  readonly depth: number;
}

function compareValues({ a, b, path, schema, depth }: Place, walk: Walk): void {
  if (walk.isHopeless || a === b) return;
  walk.left -= 1;
  if (walk.left < 0 || depth > maxDepth) {
    walk.isHopeless = true;
    return;
  }
  if (isEmpty(a) && isEmpty(b)) return;
  // A call without arguments is compared with one that has some argument by argument.
  if ((isEmpty(a) || isEmpty(b)) && !(isObject(a) && isObject(b))) return compareWithNothing({ a, b, path, schema, depth }, walk);
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) walk.isHopeless = true;
    else if (isReordered(a, b)) note(walk, path, { kind: 'order', between: '' });
    else
      for (const [index, item] of a.entries())
        compareValues({ a: item, b: b[index], path: `${path}[]`, schema: undefined, depth: depth + 1 }, walk);
    return;
  }
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const key of keys) {
      compareValues({ a: own(a, key), b: own(b, key), path: `${path}.${key}`, schema: propertyOf(schema, key), depth: depth + 1 }, walk);
    }
    return;
  }
  if (typeof a === 'object' || typeof b === 'object') walk.isHopeless = true;
  else compareScalars(a, b, path, walk);
}

/** One of two says nothing. Whether that means the same is the schema's to say, or else to be learned for this argument and value. */
function compareWithNothing({ a, b, path, schema }: Place, walk: Walk): void {
  const value = isEmpty(a) ? b : a;
  const standing = isObject(schema) ? schema['default'] : undefined;
  if (standing !== undefined && standing !== null) {
    if (canonical(standing) !== canonical(value)) walk.isHopeless = true;
    return;
  }
  const type = typeof value === 'object' ? 'list' : typeof value === 'boolean' || value === 0 ? String(value) : typeof value;
  note(walk, path, { kind: `omitted ${type}`, between: canonical(value) });
}

function compareScalars(a: unknown, b: unknown, path: string, walk: Walk): void {
  const [one, other] = [spell(a), spell(b)];
  const kind =
    typeof a !== typeof b ? (one === other ? 'type' : undefined) : typeof a === 'string' ? compareStrings(one, other) : undefined;
  if (kind === undefined) walk.isHopeless = true;
  // A text that is the whole call says more than an argument does: what is safe there must be learned apart.
  else note(walk, path, { kind: path === '' ? `whole text, ${kind}` : kind, between: [one, other].toSorted().join('\u0000') });
}

function compareStrings(a: string, b: string): string | undefined {
  if (a === b) return 'spelling';
  return a.length <= maxText && b.length <= maxText ? compareTexts(a, b) : undefined;
}

/** A text without the spaces around it; `"5"` and `5` are spelled alike, and so are `"True"` and `true`. */
function spell(value: unknown): string {
  const text = String(value).trim();
  return /^(?:true|false)$/i.test(text) ? text.toLowerCase() : text;
}

function note(walk: Walk, path: string, edit: { readonly kind: string; readonly between: string }): void {
  const seen = walk.edits.get(path);
  if (seen === undefined) walk.edits.set(path, edit);
  else
    walk.edits.set(path, {
      kind: seen.kind === edit.kind ? edit.kind : `${seen.kind}+${edit.kind}`,
      between: `${seen.between}|${edit.between}`,
    });
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

const own = (object: Record<string, unknown>, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

function propertyOf(schema: unknown, key: string): unknown {
  const properties = isObject(schema) ? schema['properties'] : undefined;
  return isObject(properties) ? own(properties, key) : undefined;
}

function isReordered(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length < 2 || a.length > 100 || canonical(a) === canonical(b)) return false;
  return a.map(canonical).toSorted().join('\u0000') === b.map(canonical).toSorted().join('\u0000');
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return spell(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  return `{${Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, item]) => `${key}:${canonical(item)}`)
    .join()}}`;
}
