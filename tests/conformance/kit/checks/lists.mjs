import { hasSeveral } from '../trial.mjs';
import { lists } from '../wire/protocol.mjs';

/** Which members of definitions have no counterpart in the other generation, so that they may be left out on the way there. */
const ofOneEra = ['execution'];

/** The definitions of tools, in full but for their schemas. */
export const definitionChecks = [
  {
    group: 'tools',
    name: 'the list has the same tools in the same order',
    run: async (t) => {
      const { direct, through } = await t.lists('tools/list');
      t.expect(
        '/tools/*/name',
        direct.items.map(({ name }) => name),
        through.items.map(({ name }) => name),
      );
    },
  },
  {
    group: 'tools',
    name: 'definitions keep title, icons, annotations, output schema, _meta and unknown members',
    run: async (t) => compareItems(t, 'tools/list', (item) => withoutMembers(item, ['inputSchema', ...(t.isSameEra ? [] : ofOneEra)])),
  },
  {
    group: 'tools',
    name: 'no output schema that handshake clients refuse',
    when: ({ server, client }) => server === 'modern' && client === 'handshake',
    run: async (t) => {
      const { through } = await t.lists('tools/list');
      for (const { name, outputSchema } of through.items) {
        const isUsable = outputSchema === undefined || outputSchema.type === 'object';
        t.demand(`/tools/${name}/outputSchema/type`, isUsable, 'object, or no output schema', outputSchema?.type);
      }
    },
  },
  {
    group: 'tools',
    name: 'no structured content that handshake clients refuse',
    when: ({ server, client }) => server === 'modern' && client === 'handshake',
    run: async (t) => {
      const { response } = await t.through.call('schema_list_output');
      t.expect('/result/content', [{ type: 'text', text: '[1,2,3]' }], response.result?.content);
      t.demand(
        '/result/structuredContent',
        !Array.isArray(response.result?.structuredContent),
        'an object, or nothing',
        response.result?.structuredContent,
      );
    },
  },
];

const schemaTools = ['schema_keywords', 'schema_vendor', 'schema_names', 'schema_numbers', 'schema_draft7', 'mirrored'];

/** The schemas of arguments, each tool one check. */
export const schemaChecks = [
  ...schemaTools.map((tool) => ({
    group: 'schemas',
    name: `the schema of ${tool} arrives as it is`,
    run: async (t) => {
      const { direct, through } = await t.lists('tools/list');
      const find = (items) => items.find(({ name }) => name === `kit_${tool}`)?.inputSchema;
      t.expect(`/${tool}/inputSchema`, find(direct.items), find(through.items));
    },
  })),
  {
    group: 'schemas',
    name: 'all other schemas arrive as they are',
    run: async (t) => {
      const others = (items) => items.filter(({ name }) => !schemaTools.includes(name.slice('kit_'.length)));
      const { direct, through } = await t.lists('tools/list');
      const schemas = (items) => Object.fromEntries(others(items).map(({ name, inputSchema }) => [name, inputSchema]));
      t.expect('', schemas(direct.items), schemas(through.items));
    },
  },
];

/** Lists in four pages, the cursor of the second being empty. */
export const pageChecks = [
  ...Object.entries(lists).map(([method, { key }]) => ({
    group: 'pages',
    name: `${method} has the items of all four pages, each once`,
    run: async (t) => {
      const { direct, through } = await t.lists(method);
      t.expect(
        `/*/${key}`,
        direct.items.map((item) => item[key]),
        through.items.map((item) => item[key]),
      );
    },
  })),
  ...Object.keys(lists).map((method) => ({
    group: 'pages',
    name: `${method} keeps _meta and unknown members of the list itself`,
    run: async (t) => {
      const { direct } = await t.lists(method);
      const { _meta, 'kit.test/unknown': unknown } = direct.pages[0];
      const [page] = (await t.alone.list(method)).pages;
      t.expect('/_meta/kit.test~1list', _meta['kit.test/list'], page._meta?.['kit.test/list']);
      t.expect('/kit.test~1unknown', unknown, page['kit.test/unknown']);
    },
  })),
  ...Object.keys(lists).map((method) => ({
    group: 'pages',
    name: `${method} does not say of several servers what one of them says of its list`,
    when: hasSeveral,
    run: async (t) => {
      const [page] = (await t.lists(method)).through.pages;
      t.expect('/_meta/kit.test~1list', undefined, page._meta?.['kit.test/list']);
      t.expect('/kit.test~1unknown', undefined, page['kit.test/unknown']);
    },
  })),
  {
    group: 'pages',
    name: 'an unknown cursor is refused as invalid',
    run: async (t) => {
      const { response } = await t.through.request('tools/list', { cursor: 'nobody gave this' });
      t.expect('/error/code', -32602, response.error?.code);
    },
  },
];

/** Compares the items of two lists pairwise, by what names them, so that one that is missing does not shift the others. */
export async function compareItems(t, method, view = (item) => item) {
  const { key } = lists[method];
  const { direct, through } = await t.lists(method);
  const byKey = (items) => Object.fromEntries(items.map((item) => [item[key], view(item)]));
  t.expect('', byKey(direct.items), byKey(through.items));
}

function withoutMembers(item, names) {
  // A list as output schema cannot be shown to handshake clients; what is shown instead has a check of its own.
  const hidden =
    item.outputSchema !== undefined && item.outputSchema.type !== 'object' && names.includes('execution') ? ['outputSchema'] : [];
  return Object.fromEntries(Object.entries(item).filter(([key]) => ![...names, ...hidden].includes(key)));
}
