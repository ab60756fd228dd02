import type { Target, ToolDefinition } from '@signalbox/core';

export const SEARCH_TOOLS = 'search_tools';
export const DESCRIBE_TOOL = 'describe_tool';
export const CALL_TOOL = 'call_tool';

/** Stands in a target for the gateway itself. No upstream can have this name. */
export const OWN_UPSTREAM = '@signalbox';

export const MAX_NEEDS = 10;
export const MAX_NAMES = 20;
export const MAX_MATCHES = 20;
export const DEFAULT_MATCHES = 5;

const READING = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

const MATCH = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Name to describe and call it by.' },
    score: { type: 'number', description: 'From 0 to 1, comparable within one need only; 1: asked for by its name.' },
    title: { type: 'string' },
    description: { type: 'string', description: 'Its first line.' },
    upstream: { type: 'string', description: 'The server it belongs to.' },
    required: { type: 'array', items: { type: 'string' }, description: 'Arguments it cannot be called without.' },
    why: { type: 'string', description: 'What earlier calls say for it.' },
  },
  required: ['name', 'score'],
  description: 'Everything beside name and score is said where the tool is first named.',
};

/** What is listed where tools are searched for. */
export const SEARCH_DEFINITIONS: readonly ToolDefinition[] = [
  {
    name: SEARCH_TOOLS,
    title: 'Search tools',
    description:
      'Finds the tools that fit what you need to do. Say each step as a need of its own, in a few words or by the name of a tool; ' +
      'several needs in one search are better than several searches. Then read the definition of a tool with describe_tool and call it with call_tool.',
    inputSchema: {
      type: 'object',
      properties: {
        needs: {
          type: 'array',
          items: { type: 'string', minLength: 1, maxLength: 2_000 },
          minItems: 1,
          maxItems: MAX_NEEDS,
          description: 'What has to be done, for example ["create a pull request", "post a message to a channel"].',
        },
        limit: { type: 'integer', minimum: 1, maximum: MAX_MATCHES, default: DEFAULT_MATCHES, description: 'Most tools for each need.' },
      },
      required: ['needs'],
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        results: {
          type: 'array',
          description: 'One for each need, in order.',
          items: {
            type: 'object',
            properties: {
              need: { type: 'string' },
              matches: { type: 'array', items: MATCH, description: 'Best first.' },
              note: { type: 'string', description: 'What to know about these matches.' },
            },
            required: ['need', 'matches'],
          },
        },
        tools: { type: 'integer', description: 'How many tools there are in all.' },
        upstreams: {
          type: 'array',
          items: { type: 'string' },
          description: 'Servers whose tools are searched; given where there are no tools.',
        },
      },
      required: ['results', 'tools'],
    },
    annotations: { title: 'Search tools', ...READING },
  },
  {
    name: DESCRIBE_TOOL,
    title: 'Describe tools',
    description:
      'Gives the full definitions of tools, with the schemas of their arguments and results, by the names that search_tools found.',
    inputSchema: {
      type: 'object',
      properties: {
        names: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, maxItems: MAX_NAMES, description: 'Names of tools.' },
      },
      required: ['names'],
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        tools: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              upstream: { type: 'string', description: 'The server it belongs to.' },
              definition: { type: 'object', description: 'As its server gives it, under the name to call it by.' },
            },
            required: ['upstream', 'definition'],
          },
        },
        unknown: {
          type: 'array',
          description: 'Names that are no tool’s.',
          items: {
            type: 'object',
            properties: { name: { type: 'string' }, nearest: { type: 'array', items: { type: 'string' } } },
            required: ['name', 'nearest'],
          },
        },
        instructions: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'What the servers of these tools say of their use.',
        },
      },
      required: ['tools', 'unknown'],
    },
    annotations: { title: 'Describe tools', ...READING },
  },
  {
    // No output schema: the result is the called tool's own, whatever form that has.
    name: CALL_TOOL,
    title: 'Call a tool',
    description: 'Calls a tool that search_tools found and returns its result. Its definition says which arguments it takes.',
    inputSchema: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, description: 'Name of the tool.' },
        arguments: { type: 'object', description: 'Arguments as its own schema says.', additionalProperties: true },
      },
      required: ['name'],
      additionalProperties: false,
    },
    // Whether a task comes of it is for the called tool to say.
    execution: { taskSupport: 'optional' },
    annotations: { title: 'Call a tool', readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
];

/** The tools of a search surface, by name. */
export const SEARCH_TARGETS: ReadonlyMap<string, Target> = new Map(
  SEARCH_DEFINITIONS.map((definition) => [definition.name, { upstream: OWN_UPSTREAM, name: definition.name, definition }]),
);

/** Their names, which no tool of an upstream can have on a search surface. */
export const SEARCH_TOOL_NAMES: ReadonlySet<string> = new Set(SEARCH_TARGETS.keys());

/** What clients of a search surface are told of its use. @param upstreams Servers whose tools can be found. */
export function searchInstructions(upstreams: readonly string[]): string {
  const whose = upstreams.length === 0 ? 'none yet' : upstreams.join(', ');
  return (
    `Tools of these servers can be used here: ${whose}. They are not listed; find them with ${SEARCH_TOOLS} (several needs in one search), ` +
    `read their definitions with ${DESCRIBE_TOOL} and call them with ${CALL_TOOL}.`
  );
}
