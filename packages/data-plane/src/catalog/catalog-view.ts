import { RawJson, type Target, type ToolDefinition, type UpstreamConfig } from '@signalbox/core';
import { changedExactly, toCoreTool, withMember } from '@signalbox/protocol';
import type { ListKind, Listed, Manifest } from '../upstreams/manifest.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import { buildLists, joinHints, type ListExtras, type CatalogList, type ListName } from './catalog-lists.ts';
import { createExposure, type Exposure } from './exposure.ts';
import type { NameLedger, NamedKind } from './name-ledger.ts';
import { createTemplateMatcher } from './uri-template.ts';

/** What one upstream brings to the catalog. */
export interface Contribution {
  readonly upstream: string;
  readonly config: UpstreamConfig;
  readonly manifest: Manifest;
}

export interface ViewOptions {
  /** In the order of the lists. Only those whose lists are known; the names of the others stay reserved. */
  readonly contributions: readonly Contribution[];
  /** Gives the names, and remembers them. */
  readonly ledger: NameLedger;
  /** Whether there is one single upstream: its names are never touched then. */
  readonly isOnly: boolean;
  readonly exposure: Exposure;
  /** Tool names that are the gateway's own here. */
  readonly reserved?: ReadonlySet<string>;
}

interface TemplateRoute {
  readonly upstream: string;
  readonly uriTemplate: string;
  readonly matches: (uri: string) => boolean;
}

/** The names that clients at one address see, and the way back from each to its owner. Never changes: a change is another view. */
export class CatalogView {
  /** As they go to clients, as bytes. */
  readonly lists: Readonly<Record<ListName, CatalogList>>;
  /** By public name, in the order of the list. */
  readonly tools: ReadonlyMap<string, Target>;
  readonly #options: ViewOptions;
  readonly #tools = new Map<string, Target>();
  readonly #definitions = new Map<string, ToolDefinition>();
  readonly #prompts = new Map<string, Target>();
  readonly #resources = new Map<string, Target>();
  readonly #publicUris = new Map<string, string>();
  readonly #templates: TemplateRoute[] = [];
  readonly #byToolName = new Map<string, Map<string, Target>>();
  readonly #entries = {
    tools: [] as ToolDefinition[],
    prompts: [] as Listed[],
    resources: [] as Listed[],
    resourceTemplates: [] as Listed[],
  };
  readonly #coreTools: ToolDefinition[] = [];
  readonly #coreDefinitions = new Map<string, ToolDefinition>();

  constructor(options: ViewOptions) {
    this.#options = options;
    this.tools = this.#tools;
    for (const contribution of options.contributions) {
      this.#takeTools(contribution);
      if (options.exposure.prompts) this.#takePrompts(contribution);
      if (options.exposure.resources) this.#takeResources(contribution);
    }
    const extras = {
      tools: this.#extrasOf('tools'),
      prompts: this.#extrasOf('prompts'),
      resources: this.#extrasOf('resources'),
      resourceTemplates: this.#extrasOf('templates'),
    };
    this.lists = buildLists(this.#entries, extras, this.#coreTools);
  }

  tool(publicName: string): Target | undefined {
    return this.#tools.get(publicName);
  }

  /** A tool as it is listed. */
  definition(publicName: string): ToolDefinition | undefined {
    return this.#definitions.get(publicName);
  }

  /** The same as clients see it whose tasks are those of the core. */
  coreDefinition(publicName: string): ToolDefinition | undefined {
    return this.#coreDefinitions.get(publicName);
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

  /** Where a URI is read: the upstream that lists it, else the first whose template it fits, else the only one it can be of. */
  resource(uri: string): Target | undefined {
    const listed = this.#resources.get(uri);
    if (listed !== undefined) return listed;
    const upstream = this.#templates.find((candidate) => candidate.matches(uri))?.upstream ?? this.#ownerOfUnlisted(uri);
    return upstream === undefined ? undefined : { upstream, name: uri, definition: undefined };
  }

  /** The upstream that lists a template, by the template's text. */
  template(uriTemplate: string): Target | undefined {
    const template = this.#templates.find((candidate) => candidate.uriTemplate === uriTemplate);
    return template === undefined ? undefined : { upstream: template.upstream, name: uriTemplate, definition: undefined };
  }

  /** Under which URI what an upstream calls `uri` is exposed. */
  publicUri(upstream: string, uri: string): string {
    return this.#publicUris.get(`${upstream}\n${uri}`) ?? uri;
  }

  // Servers link to resources that they do not list. Such a one is asked where no other can be meant: it is the only one that
  // has resources, or the only one that lists any of this scheme.
  #ownerOfUnlisted(uri: string): string | undefined {
    const { contributions, exposure } = this.#options;
    if (!exposure.resources) return undefined;
    const able = contributions.filter(({ upstream, manifest }) => !isBuiltIn(upstream) && manifest.capabilities['resources'] !== undefined);
    if (able.length === 1) return able[0]!.upstream;
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(uri)?.[0].toLowerCase();
    if (scheme === undefined) return undefined;
    const isOfScheme = (text: unknown) => typeof text === 'string' && text.toLowerCase().startsWith(scheme);
    const owners = able.filter(
      ({ manifest }) =>
        manifest.resources.some((resource) => isOfScheme(resource['uri'])) ||
        manifest.templates.some((template) => isOfScheme(template['uriTemplate'])),
    );
    return owners.length === 1 ? owners[0]!.upstream : undefined;
  }

  #takeTools({ upstream, config, manifest }: Contribution): void {
    const { exposure } = this.#options;
    const choose = createExposure(exposure, upstream, config);
    const own = new Map<string, Target>();
    this.#byToolName.set(upstream, own);
    for (const tool of manifest.tools) {
      const choice = choose(tool.name);
      if (choice === undefined) continue;
      const name = this.#claim('tool', upstream, tool.name, choice);
      const target: Target = { upstream, name: tool.name, definition: tool };
      own.set(tool.name, target);
      this.#tools.set(name, target);
      const listed = renamed(tool, 'name', name);
      this.#definitions.set(name, listed);
      this.#entries.tools.push(listed);
      const coreTool = toCoreTool(listed, manifest);
      this.#coreTools.push(coreTool);
      this.#coreDefinitions.set(listed.name, coreTool);
    }
  }

  #takePrompts({ upstream, config, manifest }: Contribution): void {
    const alwaysPrefix = (this.#options.exposure.prefix ?? config.tools.prefix) === 'always';
    for (const prompt of manifest.prompts) {
      const original = String(prompt['name']);
      const name = this.#claim('prompt', upstream, original, { rename: undefined, alwaysPrefix });
      this.#prompts.set(name, { upstream, name: original, definition: undefined });
      this.#entries.prompts.push(renamed(prompt, 'name', name));
    }
  }

  #takeResources({ upstream, manifest }: Contribution): void {
    for (const resource of manifest.resources) {
      const original = String(resource['uri']);
      const uri = this.#claim('resource', upstream, original, { rename: undefined, alwaysPrefix: false });
      this.#resources.set(uri, { upstream, name: original, definition: undefined });
      this.#publicUris.set(`${upstream}\n${original}`, uri);
      this.#entries.resources.push(renamed(resource, 'uri', uri));
    }
    for (const template of manifest.templates) {
      const uriTemplate = String(template['uriTemplate']);
      if (this.template(uriTemplate) !== undefined) continue;
      this.#templates.push({ upstream, uriTemplate, matches: createTemplateMatcher(uriTemplate) });
      this.#entries.resourceTemplates.push(template);
    }
  }

  // A server without any entry of a kind has nothing that could change without our being told.
  #extrasOf(kind: ListKind): ListExtras {
    const { contributions, isOnly } = this.#options;
    const hint = joinHints(contributions.filter(({ manifest }) => manifest[kind].length > 0).map(({ manifest }) => manifest.hints?.[kind]));
    // What a list says of itself is true of the whole only where it is the whole.
    return { hint, rest: isOnly ? (contributions[0]?.manifest.rests?.[kind] ?? '') : '' };
  }

  #claim(kind: NamedKind, upstream: string, name: string, wish: { rename: string | undefined; alwaysPrefix: boolean }): string {
    const { ledger, isOnly, reserved } = this.#options;
    const verbatim = isOnly && !isBuiltIn(upstream);
    return ledger.claim({ kind, upstream, name, ...wish, verbatim, ...(kind === 'tool' && reserved && { reserved }) });
  }
}

function renamed<Item extends Listed>(item: Item, member: 'name' | 'uri', value: string): Item {
  if (item[member] === value) return item;
  return changedExactly(item, { ...item, [member]: value }, (text) => withMember(text, member, RawJson.fromValue(value)));
}
