import type { Logger, ResultOutcome } from '@signalbox/core';
import { knowsResourceLinks } from '@signalbox/protocol';
import type { Surface } from '../catalog/surface.ts';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { SchemaValidator } from '../stages/schema-validator.ts';
import { doGently } from './gently.ts';
import { RESULT_META, writeAnswer } from './reduced-answer.ts';
import { readLayout, type ResultLayout } from './result-layout.ts';
import { writeShortNotice, type ResultToolNames, type StructuredFate } from './result-notice.ts';
import type { ResultPolicy } from './result-policy.ts';
import { RESULT_SCHEME } from './result-resource.ts';
import type { ResultStore } from './result-store.ts';
import { CALL_TOOL } from '../search/search-tools.ts';
import { RESULTS_UPSTREAM } from './result-upstream.ts';
import { shortenJson, type ShortenedJson } from './shorten-json.ts';
import { readableBytes, splitResult, toJsonPart, type ResultPart } from './split-result.ts';

export interface ReduceParts {
  readonly store: ResultStore;
  readonly schemas: SchemaValidator;
  readonly newHandle: () => string;
  readonly logger: Logger;
}

/**
 * Keeps a large result and returns what its caller gets in its place. A result that cannot be reduced, because it is
 * no result or there is no room for it, is returned as it is.
 */
export async function reduceResult(
  parts: ReduceParts,
  call: TargetedCall,
  outcome: ResultOutcome,
  policy: ResultPolicy,
): Promise<ResultOutcome> {
  try {
    return await reduce(parts, call, outcome, policy);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Whoever passes on what is no JSON need not be the one who says so.
    parts.logger.debug('a large result is no valid one and goes on as it is', { callId: call.id, error: error.message });
    return outcome;
  }
}

async function reduce(parts: ReduceParts, call: TargetedCall, outcome: ResultOutcome, policy: ResultPolicy): Promise<ResultOutcome> {
  const { store, logger } = parts;
  const { result } = outcome;
  const { bytes } = result;
  const layout = await doGently(readLayout(bytes));
  if (readableBytes(bytes.length, layout, policy) <= policy.maxInlineBytes) return outcome;
  const handle = parts.newHandle();
  const names = toolNamesAt(call.surface);
  const { fate: structured, part } = await treatStructured(parts, { call, outcome, policy, layout, handle, names });
  const split = await doGently(splitResult(bytes, layout, { policy, structured: part }));
  if (split.parts.length === 0) return outcome;
  const tool = call.trace.name ?? call.target.name;
  const ttlMs = policy.ttlSeconds * 1000;
  const kept = store.keep({ handle, owner: call.principal, tool, parts: split.parts, ttlMs });
  if (kept === undefined) {
    logger.warn('a result is too large to be kept and goes on whole; raise results.maxBytes', {
      callId: call.id,
      tool,
      bytes: bytes.length,
    });
    return outcome;
  }
  const answer = writeAnswer({
    result,
    layout,
    split,
    kept,
    bytes: bytes.length,
    names,
    structured,
    previewBytes: Math.min(policy.previewBytes, policy.maxInlineBytes / 2),
    knowsLinks: knowsResourceLinks(call.client.revision) && call.surface.view.resource(`${RESULT_SCHEME}${handle}`) !== undefined,
  });
  if (answer.byteLength < bytes.length) return { ...outcome, result: answer, modernMembers: undefined, hasLooseContent: undefined };
  store.drop(kept);
  return outcome;
}

// The tools go by the names they have where the caller is.
function toolNamesAt({ ledger, isSearched }: Surface): ResultToolNames {
  const nameOf = (tool: string) => ledger.nameOf('tool', RESULTS_UPSTREAM, tool) ?? tool;
  return {
    read: nameOf('read_result'),
    search: nameOf('search_result'),
    slice: nameOf('slice_result'),
    drop: nameOf('drop_result'),
    through: isSearched ? CALL_TOOL : undefined,
  };
}

interface StructuredOptions {
  readonly call: TargetedCall;
  readonly outcome: ResultOutcome;
  readonly policy: ResultPolicy;
  readonly layout: ResultLayout;
  readonly handle: string;
  readonly names: ResultToolNames;
}

/**
 * Without a schema, large `structuredContent` is left out, so that nobody takes a piece of it for the whole. With one it
 * must be there and be valid: it is shortened as far as the schema allows, or given whole. An error needs none.
 */
async function treatStructured(
  { schemas }: ReduceParts,
  { call, outcome, policy, layout, handle, names }: StructuredOptions,
): Promise<{ readonly fate: StructuredFate; readonly part: ResultPart | undefined }> {
  const { bytes } = outcome.result;
  const member = layout.members.find(({ key }) => key === 'structuredContent');
  if (member === undefined || member.end - member.start <= policy.previewBytes) return { fate: { kind: 'untouched' }, part: undefined };
  const schema = outcome.isError ? undefined : call.target.definition?.outputSchema;
  if (schema !== undefined && policy.structured === 'whole') return { fate: { kind: 'whole' }, part: undefined };
  const part = await doGently(toJsonPart(bytes, member, 'structuredContent'));
  if (schema === undefined) return { fate: { kind: 'moved' }, part };
  let chosen: string | undefined;
  const isValid = async (candidate: ShortenedJson): Promise<boolean> => {
    const forms = [withNotice(candidate, writeShortNotice(handle, candidate.shortenings, names)), candidate.text];
    for (const text of forms) {
      if (text === undefined || !(await schemas.accepts(schema, JSON.parse(text)))) continue;
      chosen = text;
      return true;
    }
    return false;
  };
  const shortened = await shortenJson(part.bytes, part.sketch!, { maxBytes: policy.previewBytes, isValid });
  if (shortened === undefined) return { fate: { kind: 'whole' }, part: undefined };
  return { fate: { kind: 'shortened', text: chosen!, shortenings: shortened.shortenings }, part };
}

// Hosts that show their model nothing but this must find in it that it is not the whole, where the schema allows to say so.
function withNotice({ text }: ShortenedJson, notice: string): string | undefined {
  if (!text.startsWith('{')) return undefined;
  const rest = text.slice(1);
  return `{${JSON.stringify(RESULT_META)}:${JSON.stringify(notice)}${rest === '}' ? rest : `,${rest}`}`;
}
