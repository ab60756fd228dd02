import { GatewayError, type Clock, type ToolAnnotations } from '@signalbox/core';
import { ToolError, defineModule, defineResource, defineTool, type Module, type Tool, type ToolContext } from '@signalbox/tools';
import { doGently } from './gently.ts';
import { findValues } from './json-path.ts';
import { safeStart } from './json-text.ts';
import { count } from './outline.ts';
import type { Found, KeptResult, ResultStore } from './result-store.ts';
import { RESULT_SCHEME, toContents } from './result-resource.ts';
import { searchText, toPattern } from './search-text.ts';
import { writeSlice } from './slice-text.ts';
import type { ResultPart } from './split-result.ts';
import { createView, endOfPage, type TextView } from './text-view.ts';

export interface ResultToolsOptions {
  readonly store: ResultStore;
  readonly clock: Clock;
  /** Whether regular expressions end in linear time in this process. */
  readonly isRegExpLinear: boolean;
}

const PAGE_BYTES = 16_384;
const MAX_PAGE_BYTES = 262_144;
const MAX_VALUES = 1_000;
const MAX_MATCHES = 200;
/** A search stops after this long and says where to go on. */
const SEARCH_MS = 2_000;

const READING: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
const HANDLE = { type: 'string', description: 'The handle of a large result, as the answer with its preview says.' };
const PART = { type: 'integer', minimum: 0, default: 0, description: 'The part of the result, as the preview numbers them.' };

/** The tools and the resource with which large results are read. */
export function createResultModule(options: ResultToolsOptions): Module {
  const { store } = options;
  return defineModule({
    name: 'results',
    title: 'Large results',
    version: '1.0.0',
    tools: [readTool(store), searchTool(options), sliceTool(store), dropTool(store)],
    resources: [
      defineResource({
        uriTemplate: `${RESULT_SCHEME}{+path}`,
        name: 'large-result',
        title: 'A large result that is kept',
        description: 'The whole of a result that was too large to be given at once; "/0" behind its handle gives the first part only.',
        read: ({ uri, variables }, { principal }) => readContents(store, principal, { uri, path: variables['path']! }),
      }),
    ],
  });
}

function readTool(store: ResultStore): Tool {
  return defineTool({
    name: 'read_result',
    title: 'Read a large result',
    description: 'Gives a page of a large result that an earlier answer gave a handle for: text as it is, JSON in lines.',
    input: objectOf({
      handle: HANDLE,
      part: PART,
      offset: { type: 'integer', minimum: 0, default: 0, description: 'Byte to begin at; each page says where the next one begins.' },
      length: { type: 'integer', minimum: 1, maximum: MAX_PAGE_BYTES, default: PAGE_BYTES, description: 'Bytes to give.' },
    }),
    annotations: READING,
    run: async (args, context) => {
      const { result, number, part } = locate(store, args, context);
      if (part.kind === 'block')
        throw new ToolError(`Part ${number} is ${part.mimeType}, not text: slice_result with path "" gives it as it is`);
      const view = await viewOf(store, result, number, context);
      const offset = safeStart(view.bytes, Number(args['offset'] ?? 0));
      if (offset > 0 && offset >= view.bytes.length) throw new ToolError(`Part ${number} ends at byte ${view.bytes.length}`);
      const end = endOfPage(view.bytes, offset, Number(args['length'] ?? PAGE_BYTES));
      const lines = `lines ${view.lineAt(offset)} to ${view.lineAt(Math.max(offset, end - 1))} of ${view.lines}`;
      const next = end < view.bytes.length ? `go on with offset ${end}` : 'this is the end';
      return `Part ${number}, bytes ${offset} to ${end} of ${view.bytes.length}, ${lines}; ${next}\n\n${view.bytes.toString('utf8', offset, end)}`;
    },
  });
}

function searchTool({ store, clock, isRegExpLinear }: ResultToolsOptions): Tool {
  return defineTool({
    name: 'search_result',
    title: 'Search a large result',
    description:
      'Gives the lines of a large result that contain a text or match a regular expression, each with its number and byte offset.',
    input: objectOf(
      {
        handle: HANDLE,
        part: PART,
        pattern: { type: 'string', minLength: 1, maxLength: 500, description: 'Text to look for.' },
        regex: {
          type: 'boolean',
          default: false,
          description: 'Read the pattern as a regular expression, without look-around and back references.',
        },
        ignoreCase: { type: 'boolean', default: false, description: 'For plain text: upper and lower case are the same.' },
        offset: { type: 'integer', minimum: 0, default: 0, description: 'Byte to begin at.' },
        maxMatches: { type: 'integer', minimum: 1, maximum: MAX_MATCHES, default: 20 },
      },
      ['handle', 'pattern'],
    ),
    annotations: READING,
    run: async (args, context) => {
      const { result, number, part } = locate(store, args, context);
      if (part.kind === 'block') throw new ToolError(`Part ${number} is ${part.mimeType}, not text: it cannot be searched`);
      const pattern = patternOf(args, isRegExpLinear);
      const view = await viewOf(store, result, number, context);
      const endAtMs = clock.monotonic() + SEARCH_MS;
      const search = searchText(view, {
        pattern,
        offset: Number(args['offset'] ?? 0),
        maxMatches: Number(args['maxMatches'] ?? 20),
        isLate: () => clock.monotonic() > endAtMs,
      });
      const { found, nextOffset } = await doGently(search, context.signal);
      const rest = nextOffset === undefined ? 'up to the end' : `up to byte ${nextOffset}; go on with offset ${nextOffset}`;
      return [`${count(found.length, 'match', 'matches')} in part ${number}, ${rest}`]
        .concat(found.map(({ line, offset, excerpt }) => `line ${line} (byte ${offset}): ${excerpt}`))
        .join('\n');
    },
  });
}

function sliceTool(store: ResultStore): Tool {
  return defineTool({
    name: 'slice_result',
    title: 'Take values out of a large result',
    description:
      'Gives values of a large JSON result at a path, or an image or other block as it was. A path is a JSON Pointer in which a step into an array may be a slice or "*": "/items/0:10/name".',
    input: objectOf({
      handle: HANDLE,
      part: PART,
      path: { type: 'string', maxLength: 2_000, default: '', description: 'JSON Pointer, with slices; empty for the whole.' },
      limit: { type: 'integer', minimum: 1, maximum: MAX_VALUES, default: 50, description: 'Most values to give.' },
    }),
    annotations: READING,
    run: async (args, context) => {
      const { number, part } = locate(store, args, context);
      const path = String(args['path'] ?? '');
      if (part.kind === 'block' && path === '') return { content: [JSON.parse(part.bytes.toString()) as { type: string }] };
      if (part.kind !== 'block' && part.sketch === undefined)
        throw new ToolError(`Part ${number} is text and not JSON, so it has no paths: use read_result or search_result`);
      const matches = await doGently(findValues(part.bytes, path, Number(args['limit'] ?? 50)), context.signal);
      if ('problem' in matches) throw new ToolError(`Nothing at "${path.slice(0, 200)}" in part ${number}: ${matches.problem}`);
      return await doGently(writeSlice(part.bytes, path, matches), context.signal);
    },
  });
}

function dropTool(store: ResultStore): Tool {
  return defineTool({
    name: 'drop_result',
    title: 'Drop a large result',
    description: 'Frees a large result that is not needed any more. What it came from is not touched.',
    input: objectOf({ handle: HANDLE }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    run: (args, { principal }) => {
      store.drop(findResult(store, principal, String(args['handle'])));
      return 'Dropped';
    },
  });
}

function objectOf(properties: Readonly<Record<string, object>>, required: readonly string[] = ['handle']) {
  return { type: 'object', properties, required, additionalProperties: false };
}

function locate(store: ResultStore, args: Readonly<Record<string, unknown>>, { principal }: ToolContext) {
  const result = findResult(store, principal, String(args['handle']));
  const number = Number(args['part'] ?? 0);
  return { result, number, part: partOf(result, number) };
}

function readContents(store: ResultStore, principal: string, { uri, path }: { readonly uri: string; readonly path: string }) {
  const [handle = '', part] = path.split('/');
  const found = store.find(principal, handle);
  const contents = found.kind === 'found' ? toContents(uri, found.result, part) : undefined;
  if (contents !== undefined) return { contents };
  throw new GatewayError(
    'RESOURCE_NOT_FOUND',
    found.kind === 'found' ? 'Cannot read this part: the result has none of that number' : whyNot(found),
  );
}

function findResult(store: ResultStore, principal: string, handle: string): KeptResult {
  const found = store.find(principal, handle);
  if (found.kind === 'found') return found.result;
  throw new ToolError(whyNot(found));
}

function whyNot(found: Exclude<Found, { kind: 'found' }>): string {
  return found.kind === 'gone'
    ? `This result is not kept any more: ${found.why}. Call its tool again if it is still needed`
    : 'No result has this handle: it must be one that an answer to you has given, letter by letter';
}

function partOf({ parts }: KeptResult, number: number): ResultPart {
  const part = parts[number];
  if (part === undefined) throw new ToolError(`This result has ${count(parts.length, 'part')}, numbered from 0`);
  return part;
}

async function viewOf(store: ResultStore, result: KeptResult, number: number, { signal }: ToolContext): Promise<TextView> {
  const known = store.view(result, number);
  if (known !== undefined) return known;
  const view = await doGently(createView(partOf(result, number)), signal);
  store.keepView(result, number, view);
  return view;
}

function patternOf(args: Readonly<Record<string, unknown>>, isRegExpLinear: boolean): RegExp {
  try {
    return toPattern(String(args['pattern']), {
      isRegExp: args['regex'] === true,
      ignoreCase: args['ignoreCase'] === true,
      isRegExpLinear,
    });
  } catch (error) {
    // What is wrong with the pattern is for the model to mend.
    if (error instanceof GatewayError && error.code === 'INVALID_PARAMS') throw new ToolError(error.message, { cause: error });
    throw error;
  }
}
