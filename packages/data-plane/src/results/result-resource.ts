import type { KeptResult } from './result-store.ts';
import type { ResultPart } from './split-result.ts';

/** What the URIs of kept results begin with; handle and number of the part follow. */
export const RESULT_SCHEME = 'signalbox-result://';

type Contents = Readonly<Record<string, unknown>> & { readonly uri: string };

/** A kept result, or one part of it, as the contents of a resource; `undefined` when it has no such part. */
export function toContents(uri: string, { handle, parts }: KeptResult, part: string | undefined): readonly Contents[] | undefined {
  if (part === undefined || part === '') return parts.map((each, number) => toContent(`${RESULT_SCHEME}${handle}/${number}`, each));
  const only = parts[Number(part)];
  return only === undefined ? undefined : [toContent(uri, only)];
}

function toContent(uri: string, { kind, mimeType, bytes }: ResultPart): Contents {
  if (kind !== 'block') return { uri, mimeType, text: bytes.toString() };
  const block = JSON.parse(bytes.toString()) as { readonly data?: unknown; readonly resource?: { readonly blob?: unknown } };
  const blob = block.data ?? block.resource?.blob;
  return typeof blob === 'string' ? { uri, mimeType, blob } : { uri, mimeType: 'application/json', text: bytes.toString() };
}
