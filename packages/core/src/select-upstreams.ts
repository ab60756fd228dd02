import type { UpstreamStatus } from './ports.ts';

/** What to look for among upstreams. A member that is absent, or an empty list, matches everything. */
export interface UpstreamSelection {
  readonly kind?: string | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** A server capability, such as `prompts` or `resources`. */
  readonly capability?: string | undefined;
}

/** The upstreams that fit a selection, in the order given. */
export function selectUpstreams<Fact extends Pick<UpstreamStatus, 'kind' | 'tags' | 'capabilities'>>(
  upstreams: readonly Fact[],
  { kind, tags = [], capability }: UpstreamSelection,
): readonly Fact[] {
  return upstreams.filter(
    (upstream) =>
      (kind === undefined || upstream.kind === kind) &&
      tags.every((tag) => upstream.tags.includes(tag)) &&
      (capability === undefined || upstream.capabilities.includes(capability)),
  );
}
