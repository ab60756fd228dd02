import type { KeptResult } from './result-store.ts';
import type { ResultPart } from './split-result.ts';

/** What the URIs of kept results begin with; handle and number of the part follow. */
export const RESULT_SCHEME = 'signalbox-result://';

type Contents = Readonly<Record<string, unknown>> & { readonly uri: string };

/** A kept result, or one part of it, as the contents of a resource. Parts that are not there give nothing. */
export function toContents(
  uri: string,
  { handle, parts }: KeptResult,
  part: string | undefined,
): { readonly contents: readonly Contents[] } {
  const numbered = parts.map((each, number) => toContent(`${RESULT_SCHEME}${handle}/${number}`, each));
  if (part === undefined || part === '') return { contents: numbered };
  const only = numbered[Number(part)];
  return { contents: only === undefined ? [] : [{ ...only, uri }] };
}

function toContent(uri: string, { kind, mimeType, bytes }: ResultPart): Contents {
  if (kind !== 'block') return { uri, mimeType, text: bytes.toString() };
  const block = JSON.parse(bytes.toString()) as { readonly data?: unknown; readonly resource?: { readonly blob?: unknown } };
  const blob = block.data ?? block.resource?.blob;
  return typeof blob === 'string' ? { uri, mimeType, blob } : { uri, mimeType: 'application/json', text: bytes.toString() };
}
