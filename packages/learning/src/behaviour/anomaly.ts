import { createHash } from 'node:crypto';

/** What can be abnormal, from what a caller does with a tool to what a tool does to all. */
export const ANOMALY_KINDS = [
  'rate',
  'first-use',
  'shape',
  'destination',
  'sequence',
  'arguments',
  'result',
  'duration',
  'failures',
  'drift',
] as const;
export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

/** What `observed` and the range count. */
export const MEASURES = ['calls in 5 minutes', 'calls before', 'argument bytes', 'result bytes', 'ms', 'failure share'] as const;
export type Measure = (typeof MEASURES)[number];

export type Verdict = 'useful' | 'noise';

/** What an anomaly is about. */
export interface AnomalySubject {
  readonly tenant: string;
  /** Keyed hash of who called; empty when it is about the tool, whoever calls. */
  readonly principal: string;
  /** Empty, as is `tool`, when it is about all calls of a caller. */
  readonly upstream: string;
  readonly tool: string;
  readonly kind: AnomalyKind;
  readonly measure: Measure;
}

/** What speaks for an anomaly, in the units of its measure. */
export interface AnomalyEvidence {
  readonly observed: number;
  /** What is usual, and from where to where. */
  readonly expected: number;
  readonly low: number;
  readonly high: number;
  /** Calls that the expectation rests on. */
  readonly calls: number;
}

/** Something abnormal that was told; the same again within a day counts as one. */
export interface Anomaly extends AnomalySubject, AnomalyEvidence {
  readonly id: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
  /** How unlikely it is, as minus the decimal logarithm, and from where on it is told. */
  readonly score: number;
  readonly threshold: number;
  readonly feedback: Verdict | undefined;
}

const ID_CHARS = 12;

/** Of the key of an alert; the same after a restart. */
export function toAnomalyId(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, ID_CHARS);
}
