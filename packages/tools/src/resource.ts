import { GatewayError, RawJson, type Awaitable } from '@signalbox/core';
import type { ToolContext } from './context.ts';

/** What a resource may be read as: text, bytes, any other JSON value, or contents in MCP's own words. */
export type ResourceBody = string | Uint8Array | ResourceContents | Readonly<Record<string, unknown>> | readonly unknown[];

export interface ResourceContents {
  readonly contents: readonly (Readonly<Record<string, unknown>> & { readonly uri: string })[];
}

export interface ResourceRequest {
  readonly uri: string;
  /** Values of the variables in `uriTemplate`, decoded. Empty for a resource of one URI. */
  readonly variables: Readonly<Record<string, string>>;
}

interface CommonOptions {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** Default: `text/plain` for text, `application/octet-stream` for bytes, `application/json` for other values. */
  readonly mimeType?: string;
  read(request: ResourceRequest, context: ToolContext): Awaitable<ResourceBody>;
}

export interface FixedResourceOptions extends CommonOptions {
  readonly uri: string;
}

export interface TemplateOptions extends CommonOptions {
  /** `{name}` stands for one segment, `{+name}` for any number of them (RFC 6570, levels 1 and 2). */
  readonly uriTemplate: string;
}

/** A resource or resource template, ready to be part of modules. */
export interface Resource {
  /** Its URI or URI template. */
  readonly id: string;
  readonly isTemplate: boolean;
  /** What the list says of it. */
  readonly definition: Readonly<Record<string, unknown>>;
  /** The variables in a URI of this resource, or `undefined` when the URI is none of it. */
  match(uri: string): Readonly<Record<string, string>> | undefined;
  /** @throws whatever `read` throws. */
  read(request: ResourceRequest, context: ToolContext): Promise<ResourceContents>;
}

/**
 * Declares a resource of one URI, or a template for many.
 * @throws GatewayError `INVALID_CONFIG` for a URI or template nobody could ask for.
 */
export function defineResource(options: FixedResourceOptions | TemplateOptions): Resource {
  const { name, title, description, mimeType } = options;
  const isTemplate = 'uriTemplate' in options;
  const id = isTemplate ? options.uriTemplate : options.uri;
  const about = { name, title, description, mimeType };
  return {
    id,
    isTemplate,
    definition: withoutUndefined(isTemplate ? { uriTemplate: id, ...about } : { uri: id, ...about }),
    match: isTemplate ? createMatcher(id) : createFixedMatcher(id),
    read: async (request, context) => toContents(await options.read(request, context), request.uri, mimeType),
  };
}

/** A copy without the members that are `undefined`. */
export function withoutUndefined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function createFixedMatcher(id: string): Resource['match'] {
  if (!URL.canParse(id)) throw new GatewayError('INVALID_CONFIG', `Cannot define resource "${id}": it is not a URI`);
  return (uri) => (uri === id ? {} : undefined);
}

function createMatcher(template: string): Resource['match'] {
  const names: string[] = [];
  let pattern = '';
  for (const part of template.split(/(\{[^}]*\})/)) {
    const variable = /^\{(\+?)([A-Za-z_]\w*)\}$/.exec(part);
    if (variable === null) {
      if (/[{}]/.test(part))
        throw new GatewayError('INVALID_CONFIG', `Cannot define resource "${template}": "${part}" is neither {name} nor {+name}`);
      pattern += part.replace(/[\\^$.*+?()[\]|]/g, String.raw`\$&`);
      continue;
    }
    names.push(variable[2]!);
    pattern += variable[1] === '+' ? '(.+)' : '([^/?#]+)';
  }
  if (names.length === 0)
    throw new GatewayError('INVALID_CONFIG', `Cannot define resource "${template}": a template needs a variable; use "uri" otherwise`);
  const expression = new RegExp(`^${pattern}$`);
  return (uri) => {
    const found = expression.exec(uri);
    return found === null ? undefined : Object.fromEntries(names.map((name, index) => [name, decode(found[index + 1]!)]));
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new GatewayError(
      'INVALID_PARAMS',
      `Cannot read a URI with "${text}" in it: its percent signs are not followed by UTF-8 in hexadecimal`,
      { cause: error },
    );
  }
}

function toContents(body: ResourceBody, uri: string, mimeType: string | undefined): ResourceContents {
  if (typeof body === 'string') return { contents: [{ uri, mimeType: mimeType ?? 'text/plain', text: body }] };
  if (body instanceof Uint8Array) {
    return { contents: [{ uri, mimeType: mimeType ?? 'application/octet-stream', blob: Buffer.from(body).toString('base64') }] };
  }
  if (isContents(body)) return body;
  return { contents: [{ uri, mimeType: mimeType ?? 'application/json', text: RawJson.fromValue(body).bytes.toString() }] };
}

function isContents(body: Exclude<ResourceBody, string>): body is ResourceContents {
  return 'contents' in body && Array.isArray(body.contents);
}
