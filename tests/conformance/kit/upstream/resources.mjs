import { JsonText } from '../wire/json.mjs';
import { code, RpcError } from '../wire/protocol.mjs';

const icons = [{ src: 'https://kit.test/icon.png', mimeType: 'image/png', sizes: ['48x48'], 'kit.test/unknown': 1 }];
const _meta = { 'kit.test/vendor': { kept: true } };
const annotations = { audience: ['assistant'], priority: 1, lastModified: '2026-01-02T03:04:05Z', 'kit.test/unknown': [1] };

/** What is listed as resources; a URI has the server's name as its scheme. */
export const resources = (name) => [
  { uri: `${name}://plain`, name: 'plain' },
  {
    uri: `${name}://rich`,
    name: 'rich',
    title: 'A rich resource \u{1f680}',
    description: 'With all there is',
    mimeType: 'text/plain; charset=utf-8',
    size: 12_345,
    icons,
    annotations,
    _meta,
    'kit.test/unknown': { of: 'a resource' },
  },
  { uri: `${name}://blob`, name: 'blob', mimeType: 'image/png', size: new JsonText('9007199254740993') },
  { uri: `${name}://several`, name: 'several' },
  { uri: `${name}://path/with%20space?q=1&r=%C3%A9#part`, name: 'odd URI' },
  { uri: `${name}://watched`, name: 'watched' },
  { uri: `${name}://watched/other`, name: 'watched, another' },
  { uri: `ui://${name}/view.html`, name: 'view', mimeType: 'text/html;profile=mcp-app', _meta: { ui: { csp: { connectDomains: [] } } } },
  { uri: `${name}://asks`, name: 'asks before it is read' },
];

/** What is listed as resource templates. */
export const templates = (name) => [
  { uriTemplate: `${name}://items/{id}`, name: 'items' },
  {
    uriTemplate: `${name}://files/{+path}`,
    name: 'files',
    title: 'Files',
    description: 'Any path',
    mimeType: 'text/plain',
    icons,
    annotations,
    _meta,
    'kit.test/unknown': { of: 'a template' },
  },
  { uriTemplate: `${name}://search{?q,lang}`, name: 'search' },
  { uriTemplate: `${name}://dated/{year}/{month}`, name: 'dated' },
];

/**
 * Reads one resource.
 * @throws RpcError with the code that the generation has for an unknown one, and the URI in its data.
 */
export async function readResource({ params, world: { name }, notFoundCode, ask }) {
  const { uri } = params ?? {};
  const scheme = `${name}://`;
  if (uri === `${scheme}plain`) return { contents: [{ uri, text: 'plain' }] };
  if (uri === `${scheme}rich`) {
    return {
      contents: [{ uri, mimeType: 'text/plain; charset=utf-8', text: 'grüße \u{1f680}\r\nline', _meta, 'kit.test/unknown': [1] }],
      _meta: { 'kit.test/result': 1 },
      'kit.test/unknown': { of: 'a reading' },
    };
  }
  if (uri === `${scheme}unlisted`) return { contents: [{ uri, text: 'not in any list' }] };
  if (uri === `${scheme}blob`) return { contents: [{ uri, mimeType: 'image/png', blob: 'iVBORw0KGgo=' }] };
  if (uri === `${scheme}several`) {
    return {
      contents: [
        { uri: `${scheme}several/2`, text: 'two' },
        { uri: `${scheme}several/1`, blob: 'AQID' },
        { uri, text: '' },
      ],
    };
  }
  if (uri === `ui://${name}/view.html`) return { contents: [{ uri, mimeType: 'text/html;profile=mcp-app', text: '<p>view</p>' }] };
  if (uri === `${scheme}asks`) {
    const requestedSchema = { type: 'object', properties: { value: { type: 'string' } } };
    const answers = await ask('one', {
      user: { method: 'elicitation/create', params: { mode: 'form', message: 'For a resource', requestedSchema } },
    });
    return { contents: [{ uri, text: 'asked' }], answers };
  }
  const known = [`${scheme}path/`, `${scheme}watched`, `${scheme}items/`, `${scheme}files/`, `${scheme}search?`, `${scheme}dated/`];
  if (typeof uri === 'string' && uri !== `${scheme}items/missing` && known.some((start) => uri.startsWith(start))) {
    return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ uri }) }] };
  }
  throw new RpcError(notFoundCode ?? code.invalidParams, `Resource not found: ${uri}`, { uri, 'kit.test/unknown': { kept: true } });
}
