import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyzeTree, readTree, renderGraph } from '../scripts/import-graph.mjs';
import { importsOf, maskComments } from '../scripts/source-imports.mjs';

const MAX_LINES = 400;
const root = path.dirname(import.meta.dirname);
const tree = readTree(root);
const sources = tree.flatMap(({ files }) => [...files].map(([file, source]) => ({ file, source, code: maskComments(source) })));

describe('the tree as it stands', () => {
  const graph = analyzeTree(tree);

  test('has no upward arrow, no arrow between neighbours, no cycle, and declares what it uses', () => {
    expect(graph.workspaces.length).toBeGreaterThan(0);
    expect(graph.problems).toEqual([]);
  });

  test('reads the environment only in the apps', () => {
    expect(filesWith(readsEnvironment).filter((file) => !file.startsWith('apps/'))).toEqual([]);
  });

  test('starts no shell', () => {
    expect(filesWith(startsShell)).toEqual([]);
  });

  test('knows revisions only in the protocol package', () => {
    expect(filesWith(namesRevision).filter((file) => !file.startsWith('packages/protocol/'))).toEqual([]);
  });

  test(`has no file of more than ${MAX_LINES} lines`, () => {
    const long = sources.map(({ file, source }) => ({ file, lines: countLines(source) })).filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });
});

describe('the graph refuses', () => {
  const good = {
    'packages/core': { 'index.ts': '' },
    'packages/protocol': { 'index.ts': "import { a } from '@x/core';" },
    'packages/storage': { 'index.ts': "import type { A } from '@x/core';" },
    'packages/tools': { 'index.ts': "export * from '@x/protocol';" },
    'modules/time': { 'index.ts': "import { defineTool } from '@x/tools';" },
  };

  test('nothing in a good tree', () => {
    expect(kindsOf(good)).toEqual([]);
  });

  test('an arrow to a higher floor, also of types only', () => {
    expect(kindsOf({ ...good, 'packages/core': { 'index.ts': "import type { T } from '@x/tools';" } })).toContain('upward');
  });

  test('an arrow between neighbours', () => {
    expect(kindsOf({ ...good, 'packages/storage': { 'index.ts': "import { p } from '@x/protocol';" } })).toEqual(['neighbour']);
  });

  test('an arrow from a module to its neighbours on the third floor', () => {
    const tree = { ...good, 'packages/data-plane': { 'index.ts': '' }, 'modules/time': { 'index.ts': "await import('@x/data-plane');" } };
    expect(kindsOf(tree)).toEqual(['neighbour']);
  });

  test('a cycle of packages', () => {
    const tree = { 'packages/core': { 'a.ts': "import '@x/tools';" }, 'packages/tools': { 'a.ts': "import '@x/core';" } };
    expect(kindsOf(tree)).toEqual(['upward', 'cycle']);
  });

  test('a cycle of files inside a package', () => {
    const files = {
      'a.ts': "import { b } from './b.ts';",
      'b.ts': "import { c } from './c/c.ts';",
      'c/c.ts': "import { a } from '../a.ts';",
    };
    expect(kindsOf({ 'packages/core': files })).toEqual(['cycle']);
  });

  test('a path into another package and a missing file', () => {
    const files = { 'a.ts': "import { x } from '../../tools/src/index.ts';\nimport { y } from './gone.ts';" };
    expect(kindsOf({ 'packages/core': files })).toEqual(['outside', 'outside']);
  });

  test('a dependency that is used and not declared, or declared and not used', () => {
    const undeclared = {
      folder: 'packages/core',
      name: '@x/core',
      dependencies: ['left'],
      files: new Map([['packages/core/src/a.ts', "import 'right/sub';"]]),
    };
    expect(analyzeTree([undeclared]).problems.map(({ kind }) => kind)).toEqual(['undeclared', 'unused']);
  });

  test('a package that stands on no floor', () => {
    expect(kindsOf({ 'packages/attic': { 'a.ts': '' } })).toEqual(['no-floor']);
  });

  test('and its report names the package, the floor and the file', () => {
    const graph = analyzeTree(treeOf({ ...good, 'packages/core': { 'index.ts': "import '@x/tools';" } }));
    expect(renderGraph(graph)).toContain(
      'upward: "packages/core" (floor 0) imports "packages/tools" (floor 2) in "packages/core/src/index.ts"',
    );
  });
});

describe('the reader of sources', () => {
  test('finds every form of import', () => {
    const source = [
      "import a, { b as c } from 'one';",
      "import type { T } from 'two';",
      "import {\n  d,\n  type E,\n} from 'three';",
      "export * as f from 'four';",
      "export { g } from 'five';",
      "import 'six';",
      "const h = await import('seven');",
    ].join('\n');
    const found = importsOf(source);
    expect(found.map(({ specifier }) => specifier)).toEqual(['one', 'two', 'three', 'four', 'five', 'six', 'seven']);
    expect(found.filter(({ isTypeOnly }) => isTypeOnly).map(({ specifier }) => specifier)).toEqual(['two']);
  });

  test('passes over comments, templates and regular expressions', () => {
    const source = [
      "// import 'comment';",
      "/* \nimport 'block';\n*/",
      "const a = `\nimport 'template';\n${b + `\nimport 'inner';\n`}\nimport 'rest';\n`;",
      'const c = /[`\'"/]/.test(d);',
      "import 'real';",
    ].join('\n');
    expect(importsOf(source).map(({ specifier }) => specifier)).toEqual(['real']);
  });

  test('sees what the rules forbid, and not what only resembles it', () => {
    expect(readsEnvironment('const a = process.env.HOME;')).toBe(true);
    expect(readsEnvironment("import { env } from 'node:process';")).toBe(true);
    expect(readsEnvironment('const { argv, env } = process;')).toBe(true);
    expect(readsEnvironment('const a = processEnvironment;')).toBe(false);
    expect(startsShell('spawn(a, { shell: true })')).toBe(true);
    expect(startsShell("import { execSync } from 'node:child_process';")).toBe(true);
    expect(startsShell("import { spawn } from 'node:child_process';\nconst m = /a/.exec(b);")).toBe(false);
    expect(namesRevision("if (revision === '2025-11-25') upgrade();")).toBe(true);
    expect(namesRevision("describe('up to 2025-11-25')")).toBe(false);
  });
});

function filesWith(rule: (code: string) => boolean): string[] {
  return sources.filter(({ code }) => rule(code)).map(({ file }) => file);
}

function readsEnvironment(code: string): boolean {
  return (
    /\bprocess\s*(?:\?\.|\.|\[['"])\s*env\b|\benv\b[^;}]*\}\s*=\s*process\b/.test(code) ||
    importsName(code, { module: 'process', name: /\benv\b|\*/ })
  );
}

function startsShell(code: string): boolean {
  return /\bshell\s*:\s*(?!false\b)/.test(code) || importsName(code, { module: 'child_process', name: /\bexec(?:Sync)?\b|\*|import\(\)/ });
}

// A whole string that is a date is code that tells revisions apart; a date inside a sentence is prose.
function namesRevision(code: string): boolean {
  return /(["'`])20\d{2}-\d{2}-\d{2}\1/.test(code);
}

function importsName(code: string, { module, name }: { module: string; name: RegExp }): boolean {
  return importsOf(code).some(({ specifier, clause }) => specifier.replace('node:', '') === module && name.test(clause));
}

function countLines(source: string): number {
  return source.trimEnd().split('\n').length;
}

type Folders = Readonly<Record<string, Readonly<Record<string, string>>>>;

function kindsOf(folders: Folders): string[] {
  return analyzeTree(treeOf(folders)).problems.map(({ kind }) => kind);
}

// Declares exactly what each package uses, so that only the rule under test speaks.
function treeOf(folders: Folders) {
  return Object.entries(folders).map(([folder, files]) => {
    const specifiers = Object.values(files).flatMap((source) => importsOf(source).map(({ specifier }) => specifier));
    return {
      folder,
      name: `@x/${path.posix.basename(folder)}`,
      dependencies: [...new Set(specifiers.filter((specifier) => !specifier.startsWith('.')))],
      files: new Map(Object.entries(files).map(([file, source]) => [`${folder}/src/${file}`, source])),
    };
  });
}
