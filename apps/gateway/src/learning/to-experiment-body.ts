import type { ExperimentBody } from '@signalbox/control-plane';
import type { ExperimentReport } from '@signalbox/learning';

const HOUR_MS = 3_600_000;

/** An experiment as the admin API shows it. */
export function toExperimentBody({ minMs, isFrozen, steps, metrics, limit, units, ...rest }: ExperimentReport): ExperimentBody {
  return {
    ...rest,
    ...(limit !== undefined && { limit }),
    minHours: minMs / HOUR_MS,
    frozen: isFrozen,
    units: { ...units },
    steps: steps.map((step) => ({ ...step })),
    metrics: metrics.map(({ metric, control, candidate, difference, low, high }) => ({
      metric: metric === 'ok' ? 'ok' : 'found',
      control: toArm(control),
      candidate: toArm(candidate),
      difference,
      ...(low !== undefined && { low }),
      ...(high !== undefined && { high }),
    })),
  };
}

function toArm({ count, mean }: ExperimentReport['metrics'][number]['control']): ExperimentBody['metrics'][number]['control'] {
  return { count, ...(mean !== undefined && { mean }) };
}
