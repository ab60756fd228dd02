#!/usr/bin/env node
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf } from './source-imports.mjs';

/** Floors of the house by folder, lowest first. A folder that is missing here has no place yet, which is an error. */
export const FLOORS = [
  ['packages/core'],
  ['packages/protocol', 'packages/storage', 'packages/security'],
  ['packages/tools'],
  ['packages/data-plane', 'packages/control-plane', 'packages/chains', 'packages/agents', 'packages/learning', 'modules/*'],
  ['apps/*'],
];

// `testing` holds what only tests use, so that a source file that imports it is told off.
const NOT_SOURCE = new Set(['dist', 'node_modules', 'fixtures', 'testing', 'coverage']);

/**
 * @typedef {{ folder: string, name: string, dependencies: string[], files: Map<string, string> }} Workspace
 *   `files` holds source text by path from the root, tests left out.
 * @typedef {{ from: string, to: string, count: number, typeOnly: number, files: string[] }} Arrow
 * @typedef {{ kind: string, message: string }} Problem
 */

/**
 * Reads every workspace below `packages/`, `modules/` and `apps/`.
 * @param {string} root Folder of the repository.
 * @returns {Workspace[]}
 */
export function readTree(root) {
  const workspaces = [];
  for (const group of ['packages', 'modules', 'apps']) {
    for (const name of listFolders(path.join(root, group))) {
      const folder = `${group}/${name}`;
      const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
      const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies });
      workspaces.push({ folder, name: manifest.name, dependencies, files: readSources(root, folder) });
    }
  }
  return workspaces;
}

/**
 * Draws the graph of a tree and says what is wrong with it.
 * @param {Workspace[]} workspaces
 * @returns {{ workspaces: { folder: string, name: string, floor: number, files: number }[], arrows: Arrow[], problems: Problem[] }}
 */
export function analyzeTree(workspaces) {
  const byName = new Map(workspaces.map((workspace) => [workspace.name, workspace]));
  const problems = [];
  const arrows = new Map();
  const fileEdges = new Map();

  for (const workspace of workspaces) {
    if (floorOf(workspace.folder) < 0) problems.push({ kind: 'no-floor', message: `"${workspace.folder}" stands on no floor` });
    const used = new Map();
    for (const [file, source] of workspace.files) {
      const edges = [];
      for (const { specifier, isTypeOnly } of importsOf(source)) {
        if (specifier.startsWith('.')) {
          const target = path.posix.join(path.posix.dirname(file), specifier);
          // A launcher starts what was compiled from the sources counted here.
          if (target.startsWith(`${workspace.folder}/dist/`)) continue;
          if (workspace.files.has(target)) edges.push(target);
          else problems.push({ kind: 'outside', message: `"${file}" imports "${specifier}", which is no source file of its own package` });
          continue;
        }
        if (isBuiltin(specifier)) continue;
        const dependency = packageOf(specifier);
        if (!used.has(dependency)) used.set(dependency, file);
        if (byName.has(dependency)) countArrow(arrows, { from: workspace.name, to: dependency, file, isTypeOnly });
      }
      fileEdges.set(file, edges);
    }
    problems.push(...compareDependencies(workspace, { used, byName }));
  }

  for (const arrow of arrows.values()) problems.push(...judgeArrow(arrow, byName));
  const packageEdges = new Map(workspaces.map(({ name }) => [name, []]));
  for (const { from, to } of arrows.values()) if (from !== to) packageEdges.get(from).push(to);
  for (const cycle of findCycles(packageEdges))
    problems.push({ kind: 'cycle', message: `Packages import each other: ${cycle.join(' → ')}` });
  for (const cycle of findCycles(fileEdges)) problems.push({ kind: 'cycle', message: `Files import each other: ${cycle.join(' → ')}` });

  return {
    workspaces: workspaces.map(({ folder, name, files }) => ({ folder, name, floor: floorOf(folder), files: files.size })),
    arrows: [...arrows.values()].toSorted((left, right) => order(left.from, right.from) || order(left.to, right.to)),
    problems,
  };
}

/**
 * Writes a graph as text, top floor first.
 * @param {ReturnType<typeof analyzeTree>} graph
 */
export function renderGraph(graph) {
  const lines = ['Imports by package, top floor first (of these type-only in brackets)', ''];
  for (let floor = FLOORS.length - 1; floor >= 0; floor--) {
    const here = graph.workspaces.filter((workspace) => workspace.floor === floor);
    if (here.length === 0) continue;
    lines.push(`floor ${floor}`);
    for (const { folder, name, files } of here) {
      lines.push(`  ${folder}  ${name}, ${files} ${files === 1 ? 'file' : 'files'}`);
      const out = graph.arrows.filter(({ from }) => from === name);
      for (const { to, count, typeOnly } of out) lines.push(`    → ${to}  ${count}${typeOnly > 0 ? ` (${typeOnly})` : ''}`);
    }
    lines.push('');
  }
  if (graph.problems.length === 0)
    lines.push('No upward arrow, no arrow between neighbours, no cycle; every dependency is declared and used.');
  else lines.push(`Problems: ${graph.problems.length}`, ...graph.problems.map(({ kind, message }) => `  ${kind}: ${message}`));
  return lines.join('\n');
}

/** Floor of a workspace folder, or -1. */
export function floorOf(folder) {
  return FLOORS.findIndex((patterns) =>
    patterns.some((pattern) => (pattern.endsWith('/*') ? path.posix.dirname(folder) === pattern.slice(0, -2) : folder === pattern)),
  );
}

/**
 * Finds groups of nodes that reach each other, each as one walk that ends where it began.
 * @param {Map<string, string[]>} edges
 * @returns {string[][]}
 */
export function findCycles(edges) {
  const cycles = [];
  const finished = new Set();
  const walk = (node, trail) => {
    const seenAt = trail.indexOf(node);
    if (seenAt >= 0) {
      cycles.push([...trail.slice(seenAt), node]);
      return;
    }
    if (finished.has(node)) return;
    for (const next of edges.get(node) ?? []) walk(next, [...trail, node]);
    finished.add(node);
  };
  for (const node of edges.keys()) walk(node, []);
  return cycles;
}

function judgeArrow({ from, to, files }, byName) {
  if (from === to) return [{ kind: 'outside', message: `"${files[0]}" imports its own package by name` }];
  const [source, target] = [byName.get(from), byName.get(to)];
  const [above, below] = [floorOf(source.folder), floorOf(target.folder)];
  if (above < 0 || below < 0 || above > below) return [];
  const kind = above === below ? 'neighbour' : 'upward';
  return [{ kind, message: `"${source.folder}" (floor ${above}) imports "${target.folder}" (floor ${below}) in "${files[0]}"` }];
}

function compareDependencies({ folder, name, dependencies }, { used, byName }) {
  const problems = [];
  for (const [dependency, file] of used) {
    if (dependency === name || dependencies.includes(dependency)) continue;
    problems.push({ kind: 'undeclared', message: `"${file}" imports "${dependency}", which "${folder}/package.json" does not declare` });
  }
  for (const dependency of dependencies) {
    // An app ships modules that only a configuration file names.
    const isShipped = folder.startsWith('apps/') && byName.get(dependency)?.folder.startsWith('modules/');
    if (used.has(dependency) || isShipped) continue;
    problems.push({ kind: 'unused', message: `"${folder}/package.json" declares "${dependency}", which nothing in it imports` });
  }
  return problems;
}

function countArrow(arrows, { from, to, file, isTypeOnly }) {
  const key = `${from} ${to}`;
  const arrow = arrows.get(key) ?? { from, to, count: 0, typeOnly: 0, files: [] };
  arrow.count++;
  if (isTypeOnly) arrow.typeOnly++;
  if (!arrow.files.includes(file)) arrow.files.push(file);
  arrows.set(key, arrow);
}

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function listFolders(folder) {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted(order);
}

function readSources(root, folder) {
  const sources = new Map();
  for (const entry of entriesOf(path.join(root, folder))) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!NOT_SOURCE.has(entry.name)) for (const [inner, text] of readSources(root, file)) sources.set(inner, text);
    } else if (/\.(?:[cm]?js|tsx?)$/.test(entry.name) && !/\.test\.\w+$/.test(entry.name)) {
      sources.set(file, readFileSync(path.join(root, file), 'utf8'));
    }
  }
  return sources;
}

function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function order(left, right) {
  return left < right ? -1 : Number(left > right);
}

function main() {
  const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  const graph = analyzeTree(readTree(root));
  console.log(process.argv.includes('--json') ? JSON.stringify(graph, null, 2) : renderGraph(graph));
  process.exitCode = graph.problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
