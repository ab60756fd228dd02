import { basename, sep } from 'node:path';

/** How a client reads `$` in its configuration: as editors do, as shells do, as Gemini CLI does, or not at all. */
export type Dialect = 'editor' | 'shell' | 'gemini' | 'literal';

export interface PlaceholderContext {
  readonly dialect: Dialect;
  readonly clientTitle: string;
  readonly home: string;
  /** The folder of the project the entry belongs to; absent for entries of the user. */
  readonly folder?: string | undefined;
  /** Defaults of the values the client asks its user for, by id. */
  readonly inputs: ReadonlyMap<string, string | undefined>;
  /** Takes what the user should know. */
  readonly note: (text: string) => void;
}

/** Rewrites the placeholders of a client into those of Signalbox, which are `${env:NAME}` and `${env:NAME:-default}`. */
export function translatePlaceholders(text: string, context: PlaceholderContext): string {
  switch (context.dialect) {
    case 'editor':
      return text.replace(/\$\{([^}]*)\}/g, (whole, inner: string) => editorValue(whole, inner, context));
    case 'shell':
      return text.replace(/\$\{CLAUDE_PROJECT_DIR(?::-[^}]*)?\}/g, (whole) => context.folder ?? whole);
    case 'gemini':
      return text.replace(/\$([A-Za-z_][A-Za-z0-9_]*)/g, (_, name: string) => `\${env:${name}}`);
    case 'literal':
      for (const [, name] of text.matchAll(/\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}/g)) {
        context.note(`"\${${name}}" is plain text to ${context.clientTitle}; Signalbox puts the environment variable in its place`);
      }
      return text;
  }
}

/** A name fit for an environment variable: `api-key` becomes `API_KEY`. */
export function toVariableName(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toUpperCase();
  return /^[A-Z]/.test(name) ? name : `_${name}`;
}

function editorValue(whole: string, inner: string, context: PlaceholderContext): string {
  const { folder, home, inputs, note } = context;
  if (inner.startsWith('env:') || /^[A-Z_][A-Z0-9_]*$/.test(inner)) return whole;
  if (inner.startsWith('input:')) {
    const id = inner.slice('input:'.length);
    const fallback = inputs.get(id);
    const reference = `\${env:${toVariableName(id)}${fallback === undefined || fallback === '' || fallback.includes('}') ? '' : `:-${fallback}`}}`;
    note(
      `"${whole}" became "\${env:${toVariableName(id)}}": ${context.clientTitle} asks for the value, Signalbox takes it from its environment`,
    );
    return reference;
  }
  const known: Readonly<Record<string, string | undefined>> = {
    workspaceFolder: folder,
    workspaceFolderBasename: folder && basename(folder),
    cwd: folder,
    userHome: home,
    pathSeparator: sep,
    '/': sep,
  };
  const value = Object.hasOwn(known, inner) ? known[inner] : undefined;
  if (value === undefined) note(`"${whole}" means nothing outside ${context.clientTitle}; replace it by hand`);
  return value ?? whole;
}
