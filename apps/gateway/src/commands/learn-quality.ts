import type { QualityBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Shows how good searches were, day by day. */
export async function learnQuality(context: CommandContext, { lines }: { readonly lines: number }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<QualityBody>(`/learning/quality?limit=${Math.min(400, lines)}`);
  terminal.answer(body, function* () {
    if (body.days.length === 0) return yield 'Nothing yet';
    yield* renderTable({
      columns: [
        { title: 'DAY', paint: terminal.paint.bold },
        ...['SEARCHES', 'LED TO A CALL', 'IN VAIN', 'PLACE', 'WITHOUT ADVICE'].map((title) => ({ title, align: 'right' as const })),
      ],
      rows: body.days.map(({ day, searches, led, lost, place, staticPlace }) => [
        day,
        String(searches),
        shareText(led, searches),
        shareText(lost, searches),
        placeText(place),
        placeText(staticPlace),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    });
    return yield 'PLACE is 1 where the tool that was called stood first, 0.5 where it stood second, as the mean';
  });
  return EXIT.ok;
}

function shareText(of: number, all: number): string {
  return all === 0 ? '-' : `${Math.round((100 * of) / all)} %`;
}

function placeText(place: number | undefined): string {
  return place === undefined ? '-' : place.toFixed(2);
}
