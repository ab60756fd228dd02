import type { CachesBody, ClearedBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { durationText } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Shows what the cache of the running gateway holds and saves. */
export async function cacheStatus(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<CachesBody>('/caches');
  terminal.answer(body, function* () {
    yield* renderTable({
      columns: [
        { title: 'TIER', paint: terminal.paint.bold },
        ...['ENTRIES', 'BYTES', 'AT MOST', 'HITS', 'MISSES'].map((title) => ({ title, align: 'right' as const })),
      ],
      rows: body.tiers.map(({ tier, entries, bytes, maxBytes, hits, misses }) => [
        tier,
        ...[entries, bytes, maxBytes, hits, misses].map(String),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    });
    yield `${body.hits} hits (${body.staleHits} of them stale), ${body.misses} misses; callers did not wait for ${durationText(body.savedMs)}`;
    const { hits, checked, wrong, compared, bound } = body.similar;
    if (compared + hits > 0)
      yield `similar calls: ${hits} hits, held for at most ${(100 * bound).toFixed(1)} % wrong; ${checked} checked, ${wrong} of them wrong; ${compared} compared`;
    const { made, used } = body.ahead;
    if (made > 0) yield `made before they were asked for: ${made}; ${used} of them were used`;
  });
  return EXIT.ok;
}

/** Has the running gateway forget the answers of one upstream, or all. */
export async function cacheClear(context: CommandContext, { upstream }: { readonly upstream?: string | undefined }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.delete<ClearedBody>(`/caches${upstream === undefined ? '' : `?upstream=${encodeURIComponent(upstream)}`}`);
  terminal.answer(body, () => [
    `${terminal.paint.green('✓')} Forgotten: ${body.cleared === '*' ? 'all answers' : `the answers of "${body.cleared}"`}`,
  ]);
  return EXIT.ok;
}
