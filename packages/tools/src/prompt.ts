import { GatewayError, type Awaitable } from '@signalbox/core';
import type { ToolContext } from './context.ts';
import { withoutUndefined } from './resource.ts';
import type { ContentBlock } from './tool-result.ts';

export interface PromptArgument {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly required?: boolean;
}

export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: ContentBlock;
}

/** What a prompt becomes: text of the user, messages, or messages with a description. */
export type PromptBody = string | readonly PromptMessage[] | PromptReply;

export interface PromptReply {
  readonly description?: string;
  readonly messages: readonly PromptMessage[];
}

export interface PromptOptions {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly PromptArgument[];
  get(args: Readonly<Record<string, string>>, context: ToolContext): Awaitable<PromptBody>;
}

/** A prompt, ready to be part of modules. */
export interface Prompt {
  readonly name: string;
  /** What `prompts/list` says of it. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** @throws GatewayError `INVALID_PARAMS` when a required argument is missing or one is not text; whatever `get` throws. */
  get(args: Readonly<Record<string, unknown>>, context: ToolContext): Promise<PromptReply>;
}

/** Declares a prompt. */
export function definePrompt(options: PromptOptions): Prompt {
  const { name, title, description } = options;
  return {
    name,
    definition: withoutUndefined({ name, title, description, arguments: options.arguments }),
    async get(args, context) {
      const body = await options.get(parseArguments(options, args), context);
      if (typeof body === 'string') return { messages: [{ role: 'user', content: { type: 'text', text: body } }] };
      return 'messages' in body ? body : { messages: body };
    },
  };
}

function parseArguments(options: PromptOptions, args: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const parsed: Record<string, string> = {};
  for (const [key, value] of Object.entries(args)) {
    if (typeof value !== 'string')
      throw new GatewayError('INVALID_PARAMS', `Cannot fill prompt "${options.name}": argument "${key}" is not text`);
    parsed[key] = value;
  }
  for (const { name, required } of options.arguments ?? []) {
    if (required === true && parsed[name] === undefined) {
      throw new GatewayError('INVALID_PARAMS', `Cannot fill prompt "${options.name}": argument "${name}" is missing`);
    }
  }
  return parsed;
}
