import { RawJson, createNameMatcher, type Notification, type Target, type ToolDefinition, type UpstreamConfig } from '@signalbox/core';
import type { Listed, Manifest } from '../upstreams/manifest.ts';
import { buildLists, type CatalogList, type ListName } from './catalog-lists.ts';
import { NameLedger, type NamedKind } from './name-ledger.ts';
import { createTemplateMatcher } from './uri-template.ts';

/** What one upstream brings to the catalog. */
export interface Contribution {
  readonly upstream: string;
  readonly config: UpstreamConfig;
  readonly manifest: Manifest;
}

interface TemplateRoute {
  readonly upstream: string;
  readonly uriTemplate: string;
  readonly matches: (uri: string) => boolean;
}

/** The names we expose, merged from all upstreams, and the way back from each to its owner. Replaced whole on a change. */
export class Catalog {
  readonly #ledger: NameLedger;
  #tools = new Map<string, Target>();
  #prompts = new Map<string, Target>();
  #resources = new Map<string, Target>();
  #publicUris = new Map<string, string>();
  #templates: readonly TemplateRoute[] = [];
  #lists: Readonly<Record<ListName, CatalogList>> = buildLists({ tools: [], prompts: [], resources: [], resourceTemplates: [] });
  #byToolName = new Map<string, Map<string, Target>>();
  #instructions: string | undefined;

  /** @param document The ledger's document of an earlier run, or `undefined`. */
  constructor(document?: unknown) {
    this.#ledger = new NameLedger(document);
  }

  get ledger(): NameLedger {
    return this.#ledger;
  }

  /** The upstreams' instructions, each under its name, bounded. */
  get instructions(): string | undefined {
    return this.#instructions;
  }

  /**
   * Takes what all upstreams offer now, in configuration order, and returns the notifications of what changed for clients.
   * @param contributions Only those whose lists are known; the names of the others stay reserved.
   * @param isOnly Whether one single upstream is configured: its names are never touched then.
   */
  replace(contributions: readonly Contribution[], isOnly: boolean): readonly Notification[] {
    const before = this.#lists;
    const entries = {
      tools: [] as ToolDefinition[],
      prompts: [] as Listed[],
      resources: [] as Listed[],
      resourceTemplates: [] as Listed[],
    };
    const tools = new Map<string, Target>();
    const prompts = new Map<string, Target>();
    const resources = new Map<string, Target>();
    const publicUris = new Map<string, string>();
    const templates: TemplateRoute[] = [];
    const byToolName = new Map<string, Map<string, Target>>();
    for (const { upstream, config, manifest } of contributions) {
      const isAllowed = createToolFilter(config);
      const claim = (kind: NamedKind, name: string) =>
        this.#ledger.claim({
          kind,
          upstream,
          name,
          rename: kind === 'tool' && Object.hasOwn(config.tools.rename, name) ? config.tools.rename[name] : undefined,
          alwaysPrefix: config.tools.prefix === 'always',
          verbatim: isOnly,
        });
      const own = new Map<string, Target>();
      byToolName.set(upstream, own);
      for (const tool of manifest.tools) {
        if (!isAllowed(tool.name)) continue;
        const name = claim('tool', tool.name);
        const target: Target = { upstream, name: tool.name, definition: tool };
        own.set(tool.name, target);
        tools.set(name, target);
        entries.tools.push(name === tool.name ? tool : { ...tool, name });
      }
      for (const prompt of manifest.prompts) {
        const original = String(prompt['name']);
        const name = claim('prompt', original);
        prompts.set(name, { upstream, name: original, definition: undefined });
        entries.prompts.push(name === original ? prompt : { ...prompt, name });
      }
      for (const resource of manifest.resources) {
        const original = String(resource['uri']);
        const uri = claim('resource', original);
        resources.set(uri, { upstream, name: original, definition: undefined });
        publicUris.set(`${upstream}\n${original}`, uri);
        entries.resources.push(uri === original ? resource : { ...resource, uri });
      }
      for (const template of manifest.templates) {
        const uriTemplate = String(template['uriTemplate']);
        if (templates.some((known) => known.uriTemplate === uriTemplate)) continue;
        templates.push({ upstream, uriTemplate, matches: createTemplateMatcher(uriTemplate) });
        entries.resourceTemplates.push(template);
      }
    }
    this.#tools = tools;
    this.#prompts = prompts;
    this.#resources = resources;
    this.#publicUris = publicUris;
    this.#templates = templates;
    this.#byToolName = byToolName;
    this.#instructions = joinInstructions(contributions);
    this.#lists = buildLists(entries);
    return changesBetween(before, this.#lists);
  }

  /** One list as it goes to clients, as bytes that stay the same while nothing changes. */
  list(name: ListName): CatalogList {
    return this.#lists[name];
  }

  tool(publicName: string): Target | undefined {
    return this.#tools.get(publicName);
  }

  toolNames(): Iterable<string> {
    return this.#tools.keys();
  }

  promptNames(): Iterable<string> {
    return this.#prompts.keys();
  }

  /** The tool of that upstream with that name of its own, if it is exposed. */
  toolOf(upstream: string, name: string): Target | undefined {
    return this.#byToolName.get(upstream)?.get(name);
  }

  prompt(publicName: string): Target | undefined {
    return this.#prompts.get(publicName);
  }

  /** Where a URI is read: the upstream that lists it, else the first whose template it fits. */
  resource(uri: string): Target | undefined {
    const listed = this.#resources.get(uri);
    if (listed !== undefined) return listed;
    const template = this.#templates.find((candidate) => candidate.matches(uri));
    return template === undefined ? undefined : { upstream: template.upstream, name: uri, definition: undefined };
  }

  /** The upstream that lists a template, by the template's text. */
  template(uriTemplate: string): Target | undefined {
    const template = this.#templates.find((candidate) => candidate.uriTemplate === uriTemplate);
    return template === undefined ? undefined : { upstream: template.upstream, name: uriTemplate, definition: undefined };
  }

  /** Under which URI we expose what an upstream calls `uri`. */
  publicUri(upstream: string, uri: string): string {
    return this.#publicUris.get(`${upstream}\n${uri}`) ?? uri;
  }
}

const MAX_INSTRUCTIONS = 8000;

function joinInstructions(contributions: readonly Contribution[]): string | undefined {
  const given = contributions.filter(({ manifest }) => manifest.instructions !== undefined && manifest.instructions !== '');
  if (given.length === 0) return undefined;
  if (given.length === 1 && contributions.length === 1) return given[0]!.manifest.instructions;
  const share = Math.floor(MAX_INSTRUCTIONS / given.length);
  return given.map(({ upstream, manifest }) => `## ${upstream}\n${shorten(manifest.instructions!, share)}`).join('\n\n');
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function createToolFilter(config: UpstreamConfig): (name: string) => boolean {
  const isDenied = createNameMatcher(config.tools.deny);
  const isAllowed = config.tools.allow === undefined ? () => true : createNameMatcher(config.tools.allow);
  return (name) => isAllowed(name) && !isDenied(name);
}

function changesBetween(before: Readonly<Record<ListName, CatalogList>>, after: Readonly<Record<ListName, CatalogList>>): Notification[] {
  const isChanged = (name: ListName) => !before[name].modern.bytes.equals(after[name].modern.bytes);
  const changes: Notification[] = [];
  if (isChanged('tools')) changes.push(changeOf('tools'));
  if (isChanged('prompts')) changes.push(changeOf('prompts'));
  if (isChanged('resources') || isChanged('resourceTemplates')) changes.push(changeOf('resources'));
  return changes;
}

function changeOf(kind: 'tools' | 'prompts' | 'resources'): Notification {
  return { method: `notifications/${kind}/list_changed`, params: undefined };
}

/** The notification that a resource changed, for clients. */
export function resourceUpdated(uri: string): Notification {
  return { method: 'notifications/resources/updated', params: RawJson.fromValue({ uri }) };
}
