import { oddities } from '../upstream/tools/odd.mjs';
import { JsonText } from '../wire/json.mjs';

const trace = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'kit=1,other=2',
  baggage: 'user=%C3%A9,x=1',
};
const vendorMeta = { 'kit.test/vendor': { kept: [true, null, { deep: 1 }] }, 'com.example/other': 'x', bare: 1 };

/** What results of calls keep, and what of a call reaches the server. */
export const resultChecks = [
  ...['rich', 'structured_only', 'tool_error', 'not_an_error'].map((tool) => ({
    group: 'tools',
    name: `the result of ${tool} arrives as it is`,
    run: (t) => t.compareCall(tool),
  })),
  {
    group: 'tools',
    name: 'unknown members of a call reach the server',
    run: (t) =>
      t.compareCall('echo', { nonce: 'fixed' }, { params: { 'kit.test/unknown': { of: 'params', list: [1, {}] }, future: true } }),
  },
  {
    group: 'tools',
    name: 'unknown members of _meta of a call reach the server',
    run: (t) => t.compareCall('echo', { nonce: 'fixed' }, { meta: vendorMeta }),
  },
  {
    group: 'tools',
    name: 'a call without arguments reaches the server without',
    run: (t) => t.compare('tools/call', (side) => ({ name: side.nameOf('echo') })),
  },
  {
    group: 'tools',
    name: 'an argument that is mirrored in a header reaches the server',
    run: async (t) => {
      for (const region of ['eu-west-1', 'größe \u{1f680}', ' spaced ', '=?base64?AA==?=']) {
        await t.compareCall('mirrored', { region });
      }
    },
  },
  {
    group: 'trace',
    name: 'trace context in _meta of a call reaches the server',
    run: async (t) => {
      const { through } = await t.compareCall('echo', { nonce: 'fixed' }, { meta: trace });
      for (const [key, value] of Object.entries(trace)) {
        t.expect(`/received/_meta/${key}`, value, through.response.result?.structuredContent?.received?._meta?.[key]);
      }
    },
  },
  {
    group: 'trace',
    name: 'trace context in _meta of a prompt reaches the server',
    run: (t) => t.compare('prompts/get', (side) => ({ name: side.nameOf('echo'), _meta: trace })),
  },
  {
    group: 'trace',
    name: 'trace context beside a progress token reaches the server',
    run: (t) => t.compareCall('echo', { nonce: 'fixed' }, { meta: { ...trace, progressToken: 'p' } }),
  },
];

const ids = [0, 1, -1, 9007199254740991, '', '0', '1', 'größe \u{1f680}', '"quoted"\\', 'x'.repeat(200)];
const oddArguments = {
  integers: '[9007199254740993,-18446744073709551615]',
  fractions: '[0.1000000000000000055511151231257827,1E400,1e-400,1.0]',
  escapes: '"\\u0041\\/\\u0000\\u2028\\ud83d\\ude80\\ud800"',
  unicode: '"中文 \u{1f468}\u200d\u{1f469} e\u0301 \u202e"',
  names: '{"":1,"__proto__":{"x":1},"a/b~c":2,"ключ":3}',
  deep: `${'['.repeat(40)}${']'.repeat(40)}`,
  empties: '[{},[],"",null,false]',
};

/** Numbers beyond a double, odd spellings, odd names: JSON that is legal. */
export const jsonChecks = [
  ...Object.keys(oddities).map((which) => ({
    group: 'json',
    name: `a result with odd ${which} arrives as it is`,
    run: (t) => t.compareCall('odd', { which }),
  })),
  ...Object.entries(oddArguments).map(([which, json]) => ({
    group: 'json',
    name: `arguments with odd ${which} reach the server as they are`,
    run: (t) => t.compareCall('echo', { nonce: 'fixed', value: new JsonText(json) }),
  })),
  {
    group: 'json',
    name: 'big numbers in progress and logs arrive as they are',
    run: async (t) => {
      for (const side of [t.direct, t.through]) await side.setLevel('error');
      await t.compareCall('tell_big', { nonce: 'fixed' }, { meta: { progressToken: 'big' } });
    },
  },
  {
    group: 'json',
    name: 'big numbers in what a server asks and is answered arrive as they are',
    run: (t) => t.compareCall('ask_big', { nonce: 'fixed' }),
  },
  {
    group: 'json',
    name: 'ids come back in their exact type and text',
    run: async (t) => {
      for (const id of ids) {
        const { response } = await t.through.call('echo', { nonce: 'id' }, { id });
        t.expect('/id', id, response.id);
      }
    },
  },
];
