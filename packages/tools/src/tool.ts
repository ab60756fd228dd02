import { GatewayError, type Awaitable, type ToolAnnotations, type ToolDefinition } from '@signalbox/core';
import type { ToolContext } from './context.ts';
import { checkValue, describeObject, isStandardSchema, type AcceptedBy, type ParsedBy, type Schema } from './schema.ts';
import type { JsonSchema } from './schema-verdict.ts';
import { isReply, problemsReply, toReply, type ToolReply } from './tool-result.ts';

export interface ToolOptions<In extends Schema, Out extends Schema | undefined> {
  /** 1 to 128 of `A-Z a-z 0-9 _ . -`; many hosts accept no more than 64. */
  readonly name: string;
  /** A name for people. */
  readonly title?: string;
  /** What the tool does and when to use it, for the model that chooses. */
  readonly description: string;
  /** The arguments. Without it the tool takes none. */
  readonly input?: In;
  /** JSON Schema of `input`, for libraries that cannot give one. */
  readonly inputSchema?: JsonSchema;
  /** What `run` returns. Answers are checked against it. */
  readonly output?: Out;
  /** JSON Schema of `output`, for libraries that cannot give one. */
  readonly outputSchema?: JsonSchema;
  readonly annotations?: ToolAnnotations;
  /**
   * Does the work. Returns text, a JSON value, or an answer in MCP's own words (an object with `content`).
   * Throw `ToolError` to tell the model what went wrong; of anything else that is thrown it learns nothing.
   */
  run(args: ParsedBy<In>, context: ToolContext): Awaitable<ReturnedBy<Out>>;
}

/** What `run` may return: anything JSON can hold, or what the output schema accepts. */
export type ReturnedBy<Out extends Schema | undefined> = Out extends Schema ? AcceptedBy<Out> | ToolReply : unknown;

/** A tool, ready to be part of modules. */
export interface Tool {
  readonly name: string;
  /** What `tools/list` says of it. */
  readonly definition: ToolDefinition;
  /** Whether its arguments are described by JSON Schema alone, which a gateway in front has checked already. */
  readonly isCheckedByGateway: boolean;
  /**
   * Answers one call. @param args Arguments as the caller sent them.
   * @throws whatever `run` throws, and an `Error` when the answer does not fit the output schema.
   */
  call(args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<ToolReply>;
}

export interface CallOptions {
  readonly context: ToolContext;
  /** The arguments are known to fit the JSON Schema in the definition. */
  readonly isChecked: boolean;
}

/** A tool failed in a way the model should read about. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/**
 * Declares a tool.
 * @throws GatewayError `INVALID_CONFIG` when its name is no tool name or a schema cannot be described to clients.
 */
export function defineTool<In extends Schema = NoInput, Out extends Schema | undefined = undefined>(options: ToolOptions<In, Out>): Tool {
  const { name, input, output } = options;
  if (!/^[\w.-]{1,128}$/.test(name)) {
    throw new GatewayError('INVALID_CONFIG', `Cannot define tool "${name}": a name is 1 to 128 letters, digits, "_", "-" and "."`);
  }
  return {
    name,
    definition: toDefinition(options),
    isCheckedByGateway: input === undefined || !isStandardSchema(input),
    async call(args, { context, isChecked }) {
      const parsed = await parseArguments(input, args, isChecked);
      if (!parsed.ok) return problemsReply(name, parsed.problems);
      const returned: unknown = await options.run(parsed.value as ParsedBy<In>, context);
      return output === undefined ? toReply(returned) : toCheckedReply(output, returned);
    },
  };
}

/** The arguments of a tool without any. */
type NoInput = { readonly type: 'object'; readonly additionalProperties: false };

const NO_INPUT: NoInput = { type: 'object', additionalProperties: false };

function toDefinition(options: ToolOptions<Schema, Schema | undefined>): ToolDefinition {
  const { name, title, description, input, inputSchema, output, outputSchema, annotations } = options;
  const described = describeObject(input ?? NO_INPUT, {
    owner: `the input of tool "${name}"`,
    option: 'inputSchema',
    side: 'input',
    written: inputSchema,
  });
  return {
    name,
    ...(title === undefined ? {} : { title }),
    description,
    inputSchema: described,
    ...(output === undefined
      ? {}
      : {
          outputSchema: describeObject(output, {
            owner: `the output of tool "${name}"`,
            option: 'outputSchema',
            side: 'output',
            written: outputSchema,
          }),
        }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function parseArguments(input: Schema | undefined, args: Readonly<Record<string, unknown>>, isChecked: boolean) {
  if (input === undefined) return checkNoArguments(args);
  if (isChecked && !isStandardSchema(input)) return { ok: true, value: args } as const;
  return checkValue(input, args);
}

function checkNoArguments(args: Readonly<Record<string, unknown>>) {
  const problems = Object.keys(args).map((path) => ({ path, message: 'is not known; this tool takes no arguments' }));
  return problems.length === 0 ? ({ ok: true, value: {} } as const) : ({ ok: false, problems } as const);
}

async function toCheckedReply(output: Schema, returned: unknown): Promise<ToolReply> {
  const reply = isReply(returned) ? returned : undefined;
  if (reply?.isError === true) return reply;
  const verdict = await checkValue(output, reply === undefined ? returned : reply.structuredContent);
  if (verdict.ok)
    return reply === undefined ? toReply(verdict.value) : { ...reply, structuredContent: verdict.value as Record<string, unknown> };
  const first = verdict.problems[0];
  throw new TypeError(`The answer does not fit the output schema: ${first?.path || 'it'} ${first?.message ?? 'is wrong'}`);
}
