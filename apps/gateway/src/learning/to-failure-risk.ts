import type { Advice } from '@signalbox/core';
import { gradeOf, type FailureRisks } from '@signalbox/learning';

/** Says how likely an upstream fails again; one that nothing is known of is taken to be like all together. */
export function toFailureRisk({ all, own }: FailureRisks): NonNullable<Advice['failureRisk']> {
  return (upstream, failures) => (own.get(upstream) ?? all)[gradeOf(failures)];
}
