import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseGatewayConfig } from '../../packages/core/src/config/parse-config.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const inDocs = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => path.join('docs', file));
const ofPackages = ['packages', 'modules', 'apps'].flatMap((group) =>
  readdirSync(path.join(ROOT, group)).map((name) => path.join(group, name, 'README.md')),
);
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...inDocs, ...ofPackages].filter(
  (file) => file.endsWith('.md') && existsSync(path.join(ROOT, file)),
);

test('the reference page and the editor schema are those of the schema', async () => {
  const script = path.join(ROOT, 'scripts/generate-docs.mjs');
  await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' });
});

test('every package has a page of its own', () => {
  expect(ofPackages.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
});

test.each(pages)('every relative link in %s leads somewhere', (page) => {
  const broken = linksIn(read(page)).filter((link) => !leadsSomewhere(page, link));
  expect(broken).toEqual([]);
});

const withServers = pages.filter((page) => serverSnippets(read(page)).length > 0);

test('the pages show configurations', () => {
  expect(withServers).toEqual(expect.arrayContaining(['docs/configuration.md', 'docs/writing-a-tool.md']));
});

test.each(withServers)('every configuration in %s is accepted', (page) => {
  for (const snippet of serverSnippets(read(page))) expect(() => parseGatewayConfig(JSON.parse(snippet)), snippet).not.toThrow();
});

function read(page: string): string {
  return readFileSync(path.join(ROOT, page), 'utf8');
}

function linksIn(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path.join(ROOT, page) : path.resolve(ROOT, path.dirname(page), file);
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsIn(readFileSync(target, 'utf8')).includes(anchor);
}

// As GitHub makes them of headings.
function anchorsIn(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

function serverSnippets(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```json\n([^]*?)^```/gm)].map((match) => match[1]!);
  return blocks.filter((block) => block.includes('"mcpServers"'));
}
