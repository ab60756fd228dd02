import type { LatencyReading, MonitorBody, WorkerReading } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, durationText, sizeText, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Shows how each process of the running gateway fares, and how long calls take. */
export async function monitor(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<MonitorBody>('/monitor');
  terminal.answer(body, () => render(body, context));
  return EXIT.ok;
}

function* render({ workers, silent, upstreams, all }: MonitorBody, { terminal: { paint, width } }: CommandContext): Iterable<string> {
  const numbers = (titles: readonly string[]) => titles.map((title) => ({ title, align: 'right' as const }));
  yield* renderTable({
    columns: numbers(['WORKER', 'PROCESS', 'BUSY', 'LATE P50', 'P99', 'MAX', 'CPU', 'MEMORY', 'HEAP', 'COLLECTED', 'CALLS']),
    rows: workers.map(toWorkerRow),
    width,
    paint,
  });
  for (const worker of silent) yield `${paint.yellow('!')} Worker ${worker} is being started, or did not answer in time`;
  yield '';
  yield* renderTable({
    columns: [{ title: 'SERVER', paint: paint.bold, shrinks: true }, ...numbers(['CALLS', 'P50', 'P90', 'P99', 'MAX'])],
    rows: [
      ...Object.entries(upstreams).map(([name, calls]) => [toSafeLine(name), ...toLatencyCells(calls)]),
      ['all', ...toLatencyCells(all)],
    ],
    width,
    paint,
  });
  yield paint.dim('Calls of the last five minutes; delays of the event loop within the last one');
}

function toWorkerRow({ worker, pid, eventLoop, cpu, memory, gc, calls }: WorkerReading): string[] {
  return [
    String(worker),
    String(pid),
    `${Math.round(100 * eventLoop.utilization)} %`,
    ...[eventLoop.delayP50Ms, eventLoop.delayP99Ms, eventLoop.delayMaxMs].map(msText),
    durationText(1_000 * (cpu.userSeconds + cpu.systemSeconds)),
    sizeText(memory.rssBytes),
    sizeText(memory.heapUsedBytes),
    `${countOf(gc.count, 'time')}, ${msText(gc.totalMs)}`,
    String(calls.count),
  ];
}

function toLatencyCells({ count, p50Ms, p90Ms, p99Ms, maxMs }: LatencyReading): string[] {
  return [String(count), ...[p50Ms, p90Ms, p99Ms, maxMs].map(msText)];
}

function msText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`;
}
