import { isObject, JsonNumber } from '../../wire/json.mjs';
import { deeply, onAsk, onItems, onParams, onResult, onResultOf, without } from './changes.mjs';

const fault = (group, name, what) => ({ group, name, ...what });
const lists = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
];
const onEveryList = (change) =>
  onResult((result, { asked }) => (lists.some(([method]) => method === asked?.method) ? change(result, asked) : result));
const memberOf = (result) => lists.map(([, member]) => member).find((member) => member in result);
const onError = (change) => ({ message: (message) => [isObject(message.error) ? { ...message, error: change(message.error) } : message] });
const onContents = (change) =>
  onResultOf('resources/read', (result) => ({ ...result, ...(result.contents ? { contents: result.contents.map(change) } : {}) }));
const onMessages = (change) =>
  onResultOf('prompts/get', (result) => ({ ...result, ...(result.messages ? { messages: change(result.messages) } : {}) }));

/** What may go wrong with lists, resources, prompts, completion, errors, hints, and what servers ask. */
export const resourceFaults = [
  fault(
    'pages',
    'takes an empty cursor for the end',
    onEveryList((result) => (result.nextCursor === '' ? without(result, 'nextCursor') : result)),
  ),
  fault(
    'pages',
    'gives the first page only',
    onEveryList((result) => without(result, 'nextCursor')),
  ),
  fault(
    'pages',
    'repeats an item of each page',
    onEveryList((result) => ({ ...result, [memberOf(result)]: [...result[memberOf(result)], ...result[memberOf(result)].slice(0, 1)] })),
  ),
  fault(
    'pages',
    'loses the last item of a page',
    onEveryList((result) => ({ ...result, [memberOf(result)]: result[memberOf(result)].slice(0, -1) })),
  ),
  fault(
    'pages',
    'drops _meta of lists',
    onEveryList((result) => without(result, '_meta')),
  ),
  fault(
    'pages',
    'drops unknown members of lists',
    onEveryList((result) => without(result, 'kit.test/unknown')),
  ),
  fault(
    'pages',
    'takes any cursor',
    onParams((params) => (params.cursor === 'nobody gave this' ? without(params, 'cursor') : params)),
  ),
  fault(
    'resources',
    'drops icons of resources',
    onItems('resources/list', 'resources', (item) => without(item, 'icons')),
  ),
  fault(
    'resources',
    'drops unknown members of resources',
    onItems('resources/list', 'resources', (item) => without(item, 'kit.test/unknown')),
  ),
  fault(
    'resources',
    'drops _meta of user interfaces',
    onItems('resources/list', 'resources', (item) => (item.uri.startsWith('ui:') ? without(item, '_meta') : item)),
  ),
  fault(
    'resources',
    'rounds sizes',
    onItems('resources/list', 'resources', (item) => (item.size instanceof JsonNumber ? { ...item, size: Number(item.size.text) } : item)),
  ),
  fault(
    'resources',
    'writes URIs in its own way',
    onItems('resources/list', 'resources', (item) => ({ ...item, uri: decodeURI(item.uri) })),
  ),
  fault(
    'resources',
    'drops annotations of templates',
    onItems('resources/templates/list', 'resourceTemplates', (item) => without(item, 'annotations')),
  ),
  fault(
    'resources',
    'drops _meta of contents',
    onContents((content) => without(content, '_meta')),
  ),
  fault(
    'resources',
    'shortens media types',
    onContents((content) => ({ ...content, ...(content.mimeType ? { mimeType: content.mimeType.split(';')[0] } : {}) })),
  ),
  fault(
    'resources',
    'writes line ends in its own way',
    onContents((content) => ({ ...content, ...(content.text ? { text: content.text.replaceAll('\r\n', '\n') } : {}) })),
  ),
  fault(
    'resources',
    'gives the first of several contents',
    onResultOf('resources/read', (result) => ({ ...result, contents: result.contents?.slice(0, 1) })),
  ),
  fault(
    'resources',
    'sorts contents',
    onResultOf('resources/read', (result) => ({
      ...result,
      contents: result.contents?.toSorted((one, other) => (one.uri < other.uri ? -1 : 1)),
    })),
  ),
  fault(
    'resources',
    'decodes URIs it is asked for',
    onParams((params, method) => (method === 'resources/read' ? { ...params, uri: decodeURIComponent(params.uri) } : params)),
  ),
  fault(
    'resources',
    'drops unknown members of readings',
    onResultOf('resources/read', (result) => without(result, 'kit.test/unknown')),
  ),
  fault(
    'resources',
    'drops the data of errors',
    onError((error) => without(error, 'data')),
  ),
  fault('resources', 'reads only what is listed', { message: refuseUnlisted }),
  fault(
    'prompts',
    'drops titles of arguments',
    onItems('prompts/list', 'prompts', (item) => ({
      ...item,
      ...(item.arguments ? { arguments: item.arguments.map((each) => without(each, 'title')) } : {}),
    })),
  ),
  fault(
    'prompts',
    'drops unknown members of prompts',
    onItems('prompts/list', 'prompts', (item) => without(item, 'kit.test/unknown')),
  ),
  fault(
    'prompts',
    'joins messages',
    onMessages((messages) => messages.slice(0, 1)),
  ),
  fault(
    'prompts',
    'makes every role user',
    onMessages((messages) => messages.map((each) => ({ ...each, role: 'user' }))),
  ),
  fault(
    'prompts',
    'drops unknown kinds of content',
    onMessages((messages) => messages.filter(({ content }) => content.type !== 'kit.test/unknown')),
  ),
  fault(
    'prompts',
    'drops unknown members of requests',
    onParams((params, method) => (method === 'prompts/get' ? without(params, 'kit.test/unknown') : params)),
  ),
  fault(
    'prompts',
    'drops descriptions',
    onResultOf('prompts/get', (result) => without(result, 'description')),
  ),
  fault(
    'completion',
    'drops how many there are',
    onResultOf('completion/complete', (result) => ({ ...result, completion: without(result.completion, 'total', 'hasMore') })),
  ),
  fault(
    'completion',
    'sorts completions',
    onResultOf('completion/complete', (result) => ({
      ...result,
      completion: { ...result.completion, values: result.completion.values.toReversed() },
    })),
  ),
  fault(
    'completion',
    'drops the context',
    onParams((params, method) => (method === 'completion/complete' ? without(params, 'context') : params)),
  ),
  fault(
    'completion',
    'drops unknown members of references',
    onParams((params, method) => (method === 'completion/complete' ? { ...params, ref: without(params.ref, 'kit.test/unknown') } : params)),
  ),
  fault(
    'errors',
    'makes every error internal',
    onError((error) => ({ ...error, code: -32603 })),
  ),
  fault(
    'errors',
    'makes codes of vendors internal',
    onError((error) => (error.code < -32603 || error.code > -32600 ? { ...error, code: -32603 } : error)),
  ),
  fault(
    'errors',
    'replaces messages',
    onError((error) => ({ ...error, message: `Upstream error: ${error.message}` })),
  ),
  fault(
    'errors',
    'drops data that is no object',
    onError((error) => (isObject(error.data) ? error : without(error, 'data'))),
  ),
  fault(
    'errors',
    'drops data',
    onError((error) => without(error, 'data')),
  ),
  fault(
    'errors',
    'rounds numbers in data',
    onError((error) => deeply(error, (each) => (each instanceof JsonNumber ? Number(each.text) : each))),
  ),
  fault('errors', 'makes errors of requests errors of tools', {
    message: (message) => [
      message.error
        ? { jsonrpc: '2.0', id: message.id, result: { isError: true, content: [{ type: 'text', text: message.error.message }] } }
        : message,
    ],
  }),
  fault('caching', 'promises more time', {
    client: 'modern',
    ...onResult((result) => (result.ttlMs === undefined ? result : { ...result, ttlMs: result.ttlMs * 2 })),
  }),
  fault('caching', 'makes private public', {
    client: 'modern',
    ...onResult((result) => (result.cacheScope === undefined ? result : { ...result, cacheScope: 'public' })),
  }),
  fault('caching', 'drops hints', { client: 'modern', ...onResult((result) => without(result, 'ttlMs', 'cacheScope')) }),
  fault('caching', 'promises nothing', {
    client: 'modern',
    ...onResult((result) => (result.ttlMs === undefined ? result : { ...result, ttlMs: 0, cacheScope: 'private' })),
  }),
  fault('caching', 'tells handshake clients', { client: 'handshake', ...onResult((result) => ({ ...result, resultType: 'complete' })) }),
  fault(
    'opening',
    'drops a capability',
    onResult((result) => (result.capabilities ? { ...result, capabilities: without(result.capabilities, 'completions') } : result)),
  ),
  fault(
    'opening',
    'drops that resources may be watched',
    onResult((result) => (result.capabilities ? { ...result, capabilities: { ...result.capabilities, resources: {} } } : result)),
  ),
  fault(
    'opening',
    'drops capabilities of vendors',
    onResult((result) =>
      result.capabilities ? { ...result, capabilities: without(result.capabilities, 'experimental', 'extensions') } : result,
    ),
  ),
  fault(
    'opening',
    'drops instructions',
    onResult((result) => without(result, 'instructions')),
  ),
  fault('opening', 'speaks the newest revision only', {
    client: 'handshake',
    ...onResult((result) => (result.protocolVersion ? { ...result, protocolVersion: '2025-11-25' } : result)),
  }),
  fault(
    'sampling',
    'drops tools of a sampling',
    onAsk('sampling/createMessage', (params) => without(params, 'tools', 'toolChoice')),
  ),
  fault(
    'sampling',
    'drops unknown members of a sampling',
    onAsk('sampling/createMessage', (params) => without(params, 'kit.test/unknown', 'metadata')),
  ),
  fault(
    'sampling',
    'makes contents of a sampling single',
    onAsk('sampling/createMessage', (params) => ({
      ...params,
      messages: params.messages.map((each) => ({ ...each, content: Array.isArray(each.content) ? each.content[0] : each.content })),
    })),
  ),
  fault(
    'json',
    'rounds numbers of a sampling',
    onAsk('sampling/createMessage', (params) => deeply(params, (each) => (each instanceof JsonNumber ? Number(each.text) : each))),
  ),
  fault(
    'elicitation',
    'drops defaults of a form',
    onAsk('elicitation/create', (params) => deeply(params, (each) => without(each, 'default'))),
  ),
  fault(
    'elicitation',
    'drops titles of choices',
    onAsk('elicitation/create', (params) => deeply(params, (each) => without(each, 'enumNames', 'oneOf'))),
  ),
  fault(
    'elicitation',
    'drops the mode',
    onAsk('elicitation/create', (params) => without(params, 'mode')),
  ),
  fault(
    'elicitation',
    'writes addresses in its own way',
    onAsk('elicitation/create', (params) => (params.url ? { ...params, url: decodeURIComponent(params.url) } : params)),
  ),
  fault('elicitation', 'drops unknown members of answers', { request: dropFromAnswers }),
  fault('elicitation', 'accepts for the user', { request: acceptAlways }),
  fault('roots', 'drops _meta of roots', { request: dropMetaOfRoots }),
  fault('rounds', 'drops the state of a request', { client: 'modern', ...onResult((result) => without(result, 'requestState')) }),
  fault('rounds', 'drops unknown members of rounds', {
    client: 'modern',
    ...onResult((result) => (result.resultType === 'input_required' ? without(result, 'kit.test/unknown') : result)),
  }),
  fault('rounds', 'repeats a call', { request: repeatCall }),
  fault('rounds', 'asks one thing of several', {
    client: 'modern',
    ...onResult((result) =>
      result.inputRequests ? { ...result, inputRequests: Object.fromEntries(Object.entries(result.inputRequests).slice(0, 1)) } : result,
    ),
  }),
];

function refuseUnlisted(message, { asked }) {
  if (asked?.method !== 'resources/read' || !asked.params.uri.endsWith('unlisted')) return [message];
  return [{ jsonrpc: '2.0', id: message.id, error: { code: -32602, message: 'Not listed' } }];
}

/** Changes the answers of the client to what the server asked, in both ways they travel. */
function changeAnswers(message, change) {
  if (message.method === undefined && isObject(message.result)) return { ...message, result: change(message.result) };
  const responses = message.params?.inputResponses;
  if (!isObject(responses)) return message;
  const inputResponses = Object.fromEntries(Object.entries(responses).map(([key, answer]) => [key, change(answer)]));
  return { ...message, params: { ...message.params, inputResponses } };
}

function dropFromAnswers(message) {
  return changeAnswers(message, (answer) => without(answer, 'kit.test/unknown'));
}

function acceptAlways(message) {
  return changeAnswers(message, (answer) => (answer.action === undefined ? answer : { ...answer, action: 'accept' }));
}

function dropMetaOfRoots(message) {
  return changeAnswers(message, (answer) =>
    answer.roots ? { ...answer, roots: answer.roots.map((root) => without(root, '_meta')) } : answer,
  );
}

// As a gateway that retries what it had no reason to retry.
function repeatCall(message, { forward }) {
  if (message.method === 'tools/call' && message.params.name.endsWith('ask_rounds'))
    forward({ ...message, id: `again-${message.id}` }).catch(() => undefined);
  return message;
}
