import { JsonText } from '../wire/json.mjs';

/** What the kit's clients say they can do, when a check does not say otherwise. */
export const allCapabilities = {
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
};

const big = new JsonText('9007199254740993');

/** How the kit's clients answer a server that asks, with all that an answer can hold. */
export function reply({ method, params }) {
  switch (method) {
    case 'sampling/createMessage':
      if (params?.metadata?.big !== undefined) {
        return { role: 'assistant', model: 'kit-model', content: { type: 'text', text: 'big' }, _meta: { 'kit.test/big': big } };
      }
      return {
        role: 'assistant',
        model: 'kit-model',
        stopReason: 'toolUse',
        content: [
          { type: 'text', text: 'sampled \u{1f680}', _meta: { 'kit.test/vendor': 1 } },
          { type: 'tool_use', id: 'call-2', name: 'lookup', input: { nested: [{}] } },
        ],
        _meta: { 'kit.test/vendor': { kept: true } },
        'kit.test/unknown': { of: 'an answer' },
      };
    case 'elicitation/create':
      if (params?.mode === 'url') return { action: 'accept', 'kit.test/unknown': 1 };
      return {
        action: 'accept',
        content: { value: `answer to ${params?.message}`, name: 'Grüße', age: 41, score: 0.5, verified: false, several: ['a', 'b'] },
        _meta: { 'kit.test/vendor': 1 },
        'kit.test/unknown': [1],
      };
    case 'roots/list':
      return {
        roots: [{ uri: 'file:///home/kit/%C3%A9', name: 'home', _meta: { 'kit.test/vendor': 1 } }, { uri: 'file:///tmp' }],
        'kit.test/unknown': 1,
      };
    default:
      return {};
  }
}
