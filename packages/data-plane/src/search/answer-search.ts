import type { Target } from '@signalbox/core';
import type { AdvisedMatch } from './advised-ranking.ts';
import type { TriedText } from './trials.ts';

/** One need with the tools that fit it. */
interface SearchResult {
  readonly need: string;
  readonly matches: readonly Match[];
  readonly note?: string;
}

interface Match extends AdvisedMatch {
  readonly title?: string;
  readonly description?: string;
  readonly upstream?: string;
  readonly required?: readonly string[];
}

export interface SearchAnswer {
  readonly results: readonly SearchResult[];
  readonly tools: number;
  readonly upstreams?: readonly string[];
}

export interface SearchAsking {
  readonly needs: readonly string[];
  readonly limit: number;
  /** Of each need, best first. */
  readonly found: readonly (readonly AdvisedMatch[])[];
  /** By public name. */
  readonly tools: ReadonlyMap<string, Target>;
  /** Descriptions that are on trial. */
  readonly texts?: TriedText;
  /** Servers behind this address, also those that are away. */
  readonly upstreams: readonly string[];
}

// About 2,000 tokens for all needs of a search together.
const MAX_CHARS = 8_000;
const MAX_LINE = 200;
/** Below this a best match is most likely none. */
const WEAK_SCORE = 0.15;

/** Finds the tools for several needs. What is said of a tool is said once, and all needs share the room there is for it. */
export function answerSearch({ needs, limit, found: ranked, tools, texts, upstreams }: SearchAsking): SearchAnswer {
  const matches: Match[][] = needs.map(() => []);
  const said = new Set<string>();
  let room = MAX_CHARS;
  // The best of each need come before the second best of any, so that a long answer cuts what matters least.
  for (let place = 0; place < limit; place++) {
    for (const [index, found] of ranked.entries()) {
      const tool = found[place];
      if (tool === undefined) continue;
      const match = said.has(tool.name) ? tool : { ...tool, ...detailsOf(tools.get(tool.name)!, texts) };
      const size = JSON.stringify(match).length;
      if (size > room && place > 0) continue;
      room -= size;
      said.add(tool.name);
      matches[index]!.push(match);
    }
  }
  return {
    results: needs.map((need, index) => toResult(need, matches[index]!, tools.size)),
    tools: tools.size,
    ...(tools.size === 0 && { upstreams }),
  };
}

/** The answer as lines for a model to read. */
export function renderSearch({ results, tools, upstreams }: SearchAnswer): string {
  if (tools === 0) {
    const away = upstreams!.length === 0 ? 'No server is configured here.' : `Servers behind this address: ${upstreams!.join(', ')}.`;
    return `There are no tools at present. ${away}`;
  }
  return results
    .map(({ need, matches, note }) => [headOf(need, matches.length, tools, note), ...matches.map(renderMatch)].join('\n'))
    .join('\n\n');
}

function headOf(need: string, found: number, tools: number, note: string | undefined): string {
  return `For ${JSON.stringify(need.length > MAX_LINE ? shorten(need) : need)}, ${found} of ${tools} tools:${note === undefined ? '' : ` (${note})`}`;
}

function renderMatch({ name, title, description, upstream, required, score, why }: Match, index: number): string {
  const start = `${index + 1}. ${name}`;
  // Whatever else is known of a tool that was named before stands there.
  const reason = why === undefined ? '' : `; ${why}`;
  if (upstream === undefined) return `${start}: see above (${score}${reason})`;
  const about = [title, description].filter((text) => text !== undefined).join(': ');
  const needed = required === undefined || required.length === 0 ? '' : `; needs ${required.join(', ')}`;
  return `${start} [${upstream}] (${score}${reason})${about === '' ? '' : `: ${about}`}${needed}`;
}

function toResult(need: string, matches: readonly Match[], tools: number): SearchResult {
  const best = matches[0]?.score ?? 0;
  if (tools === 0) return { need, matches, note: 'There are no tools at present.' };
  if (best === 0) return { need, matches, note: 'Nothing fits; these only show what there is. Try other words.' };
  return best < WEAK_SCORE ? { need, matches, note: 'Nothing fits well; these come nearest. Try other words.' } : { need, matches };
}

function detailsOf({ upstream, name, definition }: Target, texts: TriedText | undefined): Omit<Match, 'name' | 'score'> {
  const title = definition?.title ?? definition?.annotations?.['title'];
  const required = definition?.inputSchema['required'];
  const description = texts?.(upstream, name) ?? definition?.description;
  return {
    ...(typeof title === 'string' && title !== '' && { title: shorten(firstLine(title)) }),
    ...(typeof description === 'string' && { description: shorten(firstLine(description)) }),
    upstream,
    required: Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string').slice(0, 20) : [],
  };
}

function firstLine(text: string): string {
  const line = text.trim().split(/\r?\n/, 1)[0]!.replaceAll(/\s+/g, ' ');
  const sentence = /^.{20,}?[.!?](?=\s)/.exec(line)?.[0];
  return sentence ?? line;
}

function shorten(text: string): string {
  return text.length <= MAX_LINE ? text : `${text.slice(0, MAX_LINE - 1)}…`;
}
