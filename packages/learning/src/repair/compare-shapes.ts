/** How a call that was taken differed from the one before it that was not. Names and types of arguments only, never values. */
export type ShapeEdit =
  | { readonly kind: 'added'; readonly name: string; readonly type: string }
  | { readonly kind: 'removed'; readonly name: string; readonly type: string }
  | { readonly kind: 'renamed'; readonly name: string; readonly to: string; readonly type: string }
  | { readonly kind: 'retyped'; readonly name: string; readonly type: string; readonly to: string };

const maxEdits = 4;
const maxName = 64;

/** @returns the edits in a fixed order; nothing when the shapes are equal, or differ by too much to be a repair. */
export function compareShapes(refused: readonly string[], taken: readonly string[]): readonly ShapeEdit[] {
  const [before, after] = [parseShape(refused), parseShape(taken)];
  const removed = [...before].filter(([name]) => !after.has(name));
  const added = [...after].filter(([name]) => !before.has(name));
  const edits: ShapeEdit[] = [];
  for (const [name, type] of before) {
    const to = after.get(name);
    if (to !== undefined && to !== type) edits.push({ kind: 'retyped', name, type, to });
  }
  // One name that went and one of the same type that came is one argument under its right name.
  if (removed.length === 1 && added.length === 1 && removed[0]![1] === added[0]![1]) {
    edits.push({ kind: 'renamed', name: removed[0]![0], to: added[0]![0], type: added[0]![1] });
  } else {
    for (const [name, type] of added) edits.push({ kind: 'added', name, type });
    for (const [name, type] of removed) edits.push({ kind: 'removed', name, type });
  }
  return edits.length > maxEdits ? [] : edits.toSorted((a, b) => (writeEdit(a) < writeEdit(b) ? -1 : 1));
}

function parseShape(shape: readonly string[]): ReadonlyMap<string, string> {
  const parsed = new Map<string, string>();
  for (const entry of shape.slice(0, 100)) {
    const split = entry.lastIndexOf(':');
    const name = entry.slice(0, split);
    const type = entry.slice(split + 1);
    // What is not a plain name may carry a value, or a text that is meant for a model.
    if (split > 0 && name.length <= maxName && /^[A-Za-z_$][\w$.-]*$/.test(name) && types.has(type)) parsed.set(name, type);
  }
  return parsed;
}

const types = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

export function writeEdit(edit: ShapeEdit): string {
  const to = edit.kind === 'renamed' || edit.kind === 'retyped' ? `,${edit.to}` : '';
  return `${edit.kind} ${edit.name},${edit.type}${to}`;
}

export function parseEdit(text: string): ShapeEdit | undefined {
  const [kind, rest = ''] = text.split(' ', 2);
  const [name, type, to] = rest.split(',');
  if (name === undefined || type === undefined) return undefined;
  if (kind === 'added' || kind === 'removed') return { kind, name, type };
  return (kind === 'renamed' || kind === 'retyped') && to !== undefined ? { kind, name, type, to } : undefined;
}
