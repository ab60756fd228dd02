import { isObject, JsonNumber } from '../../wire/json.mjs';
import { metaKey } from '../../wire/protocol.mjs';
import { deeply, only, onContent, onItems, onParams, onResult, onResultOf, without } from './changes.mjs';

const fault = (group, name, what) => ({ group, name, ...what });
const tools = (change) => onItems('tools/list', 'tools', change);
const knownKeywords = ['type', 'properties', 'required', 'description', 'items', 'enum'];
const knownBlocks = new Set(['text', 'image', 'audio', 'resource', 'resource_link']);
const ofProtocol = (meta) =>
  Object.fromEntries(Object.entries(meta ?? {}).filter(([key]) => Object.values(metaKey).includes(key) || key === 'progressToken'));

/** What may go wrong with tools, schemas, calls and their results. */
export const toolFaults = [
  fault(
    'tools',
    'drops _meta of results',
    onResultOf('tools/call', (result) => without(result, '_meta')),
  ),
  fault(
    'tools',
    'drops unknown members of results',
    onResultOf('tools/call', (result) => only(result, 'content', 'structuredContent', 'isError', '_meta', 'resultType')),
  ),
  fault(
    'tools',
    'drops structured content',
    onResult((result) => without(result, 'structuredContent')),
  ),
  fault(
    'tools',
    'drops isError where it is false',
    onResult((result) => (result.isError === false ? without(result, 'isError') : result)),
  ),
  fault(
    'tools',
    'drops isError',
    onResult((result) => without(result, 'isError')),
  ),
  fault(
    'tools',
    'drops unknown kinds of content',
    onContent((content) => content.filter(({ type }) => knownBlocks.has(type))),
  ),
  fault(
    'tools',
    'drops unknown members of content',
    onContent((content) => content.map((block) => without(block, 'kit.test/unknown'))),
  ),
  fault(
    'tools',
    'drops annotations of content',
    onContent((content) => content.map((block) => without(block, 'annotations'))),
  ),
  fault(
    'tools',
    'drops _meta of embedded resources',
    onContent((content) => content.map((block) => (block.resource ? { ...block, resource: without(block.resource, '_meta') } : block))),
  ),
  fault(
    'tools',
    'keeps the first content only',
    onContent((content) => content.slice(0, 1)),
  ),
  fault(
    'tools',
    'flattens content to one text',
    onContent((content) => [{ type: 'text', text: content.map(({ text = '' }) => text).join('\n') }]),
  ),
  fault(
    'tools',
    'drops empty texts',
    onContent((content) => content.filter(({ text }) => text !== '')),
  ),
  fault(
    'tools',
    'replaces image data',
    onContent((content) => content.map((block) => (block.type === 'image' ? { ...block, data: 'AAAA' } : block))),
  ),
  fault(
    'tools',
    'invents content',
    onResultOf('tools/call', (result) => (result.content?.length === 0 ? { ...result, content: [{ type: 'text', text: '{}' }] } : result)),
  ),
  fault(
    'tools',
    'drops titles',
    tools((tool) => without(tool, 'title')),
  ),
  fault(
    'tools',
    'drops icons',
    tools((tool) => without(tool, 'icons')),
  ),
  fault(
    'tools',
    'drops annotations of tools',
    tools((tool) => without(tool, 'annotations')),
  ),
  fault(
    'tools',
    'drops unknown hints',
    tools((tool) => (tool.annotations ? { ...tool, annotations: without(tool.annotations, 'kit.test/hint') } : tool)),
  ),
  fault(
    'tools',
    'drops output schemas',
    tools((tool) => without(tool, 'outputSchema')),
  ),
  fault(
    'tools',
    'drops _meta of tools',
    tools((tool) => without(tool, '_meta')),
  ),
  fault(
    'tools',
    'drops unknown members of tools',
    tools((tool) => without(tool, 'kit.test/unknown', 'vendorField')),
  ),
  fault(
    'tools',
    'drops members that are null',
    tools((tool) => Object.fromEntries(Object.entries(tool).filter(([, value]) => value !== null))),
  ),
  fault(
    'tools',
    'drops how a tool is run',
    tools((tool) => without(tool, 'execution')),
  ),
  fault(
    'tools',
    'shortens descriptions',
    tools((tool) => ({ ...tool, description: tool.description?.split('\n')[0] })),
  ),
  fault(
    'tools',
    'sorts tools',
    onResultOf('tools/list', (result) => ({ ...result, tools: result.tools?.toSorted((one, other) => (one.name < other.name ? -1 : 1)) })),
  ),
  fault(
    'tools',
    'drops unknown members of calls',
    onParams((params, method) =>
      method === 'tools/call' ? only(params, 'name', 'arguments', '_meta', 'task', 'inputResponses', 'requestState') : params,
    ),
  ),
  fault(
    'tools',
    'drops _meta of calls',
    onParams((params) => ({ ...params, _meta: ofProtocol(params._meta) })),
  ),
  fault(
    'tools',
    'adds arguments',
    onParams((params, method) => (method === 'tools/call' ? { arguments: {}, ...params } : params)),
  ),
  fault('tools', 'drops mirrored headers', { client: 'modern', request: dropMirrored }),
  fault(
    'trace',
    'drops trace context',
    onParams((params) => (params._meta ? { ...params, _meta: without(params._meta, 'traceparent', 'tracestate', 'baggage') } : params)),
  ),
  fault(
    'trace',
    'drops baggage',
    onParams((params) => (params._meta ? { ...params, _meta: without(params._meta, 'baggage') } : params)),
  ),
  fault(
    'trace',
    'replaces the parent of a trace',
    onParams((params) =>
      params._meta?.traceparent
        ? { ...params, _meta: { ...params._meta, traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } }
        : params,
    ),
  ),
  fault(
    'schemas',
    'strips schemas',
    tools((tool) => ({ ...tool, inputSchema: stripSchema(tool.inputSchema) })),
  ),
  fault(
    'schemas',
    'drops keywords of vendors',
    tools((tool) => ({
      ...tool,
      inputSchema: deeply(tool.inputSchema, (each) =>
        isObject(each) ? Object.fromEntries(Object.entries(each).filter(([key]) => !/^x-|\//.test(key))) : each,
      ),
    })),
  ),
  fault(
    'schemas',
    'drops anchors',
    tools((tool) => ({ ...tool, inputSchema: deeply(tool.inputSchema, (each) => without(each, '$anchor', '$dynamicAnchor')) })),
  ),
  fault(
    'schemas',
    'drops $schema',
    tools((tool) => ({ ...tool, inputSchema: without(tool.inputSchema, '$schema') })),
  ),
  fault(
    'schemas',
    'turns boolean schemas into objects',
    tools((tool) => ({ ...tool, inputSchema: deeply(tool.inputSchema, (each) => (each === true ? {} : each)) })),
  ),
  fault(
    'schemas',
    'adds what it thinks is missing',
    tools((tool) => ({
      ...tool,
      inputSchema: { ...tool.inputSchema, additionalProperties: tool.inputSchema.additionalProperties ?? false },
    })),
  ),
  fault('schemas', 'rounds numbers', onResultOf('tools/list', rounded)),
  fault(
    'schemas',
    'drops names it thinks odd',
    tools((tool) => ({ ...tool, inputSchema: deeply(tool.inputSchema, (each) => without(each, '', '__proto__')) })),
  ),
  fault('json', 'rounds numbers of results', onResultOf('tools/call', rounded)),
  fault(
    'json',
    'rounds numbers of arguments',
    onParams((params, method) => (method === 'tools/call' ? rounded(params) : params)),
  ),
  fault(
    'json',
    'writes numbers as text',
    onResultOf('tools/call', (result) => deeply(result, (each) => (each instanceof JsonNumber ? each.text : each))),
  ),
  fault(
    'json',
    'replaces what is not ASCII',
    onResultOf('tools/call', (result) => deeply(result, (each) => (typeof each === 'string' ? each.replaceAll(/[^\0-\x7f]/g, '?') : each))),
  ),
  fault(
    'json',
    'normalises unicode',
    onResultOf('tools/call', (result) => deeply(result, (each) => (typeof each === 'string' ? each.normalize('NFC') : each))),
  ),
  fault(
    'json',
    'replaces lone surrogates',
    onResultOf('tools/call', (result) =>
      deeply(result, (each) => (typeof each === 'string' ? (each.toWellFormed?.() ?? each.replaceAll(/\p{Surrogate}/gu, '\ufffd')) : each)),
    ),
  ),
  fault(
    'json',
    'trims texts',
    onResultOf('tools/call', (result) => deeply(result, (each) => (typeof each === 'string' ? each.trim() : each))),
  ),
  fault(
    'json',
    'drops what is empty',
    onResultOf('tools/call', (result) =>
      deeply(result, (each) => (Array.isArray(each) ? each.filter((value) => value !== null) : without(each, ''))),
    ),
  ),
  fault('json', 'drops nulls', {
    message: (message) => [
      deeply(message, (each) =>
        isObject(each)
          ? Object.fromEntries(
              Object.entries(each).filter(([, value]) => value !== null && !(Array.isArray(value) && value.includes(null))),
            )
          : each,
      ),
    ],
  }),
  fault(
    'json',
    'drops names it thinks dangerous',
    onResultOf('tools/call', (result) => deeply(result, (each) => without(each, '__proto__', 'constructor'))),
  ),
  fault(
    'json',
    'cuts long texts',
    onResultOf('tools/call', (result) => deeply(result, (each) => (typeof each === 'string' ? each.slice(0, 100_000) : each))),
  ),
  fault('json', 'writes ids as text', {
    message: (message) => [message.method === undefined && message.id !== undefined ? { ...message, id: String(message.id) } : message],
  }),
  fault('json', 'writes ids as numbers', {
    message: (message) => [message.method === undefined && /^\d+$/.test(message.id) ? { ...message, id: Number(message.id) } : message],
  }),
];

// What JSON.parse and JSON.stringify make of it, odd names left alone.
function rounded(value) {
  return deeply(value, (each) => (each instanceof JsonNumber ? (Number.isFinite(Number(each.text)) ? Number(each.text) : null) : each));
}

function stripSchema(schema) {
  return isObject(schema) ? only(schema, ...knownKeywords) : schema;
}

function dropMirrored(message, { headers }) {
  delete headers['mcp-param-kit-region'];
  return message;
}
