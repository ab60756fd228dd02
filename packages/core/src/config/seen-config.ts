import { z } from 'zod';
import { secretReference, secretText } from './secret.ts';

export const auditConfig = z.strictObject({
  enabled: z.boolean().default(true).describe('Keep a chained record of every call and every change of the configuration.'),
  durable: z
    .boolean()
    .default(false)
    .describe('An answer leaves only once its record would survive a crash. Costs one wait for the store a call.'),
  required: z
    .boolean()
    .default(false)
    .describe('Refuse calls as `AUDIT_UNAVAILABLE` while records cannot be kept. Off: calls go on, and the log says what is missing.'),
  payloads: z
    .enum(['none', 'sealed'])
    .default('none')
    .describe('Whether arguments and results are kept beside the records, encrypted and shown to auditors alone.'),
  maxPayloadBytes: z.int().min(256).max(1_048_576).default(16_384).describe('Longer arguments and results are cut off there.'),
  keepDays: z.int().min(1).max(36_500).default(365).describe('Records older than this are let go; the chain still verifies.'),
});
export type AuditConfig = z.infer<typeof auditConfig>;

const otlp = {
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where an OpenTelemetry collector takes OTLP over HTTP, for example `http://127.0.0.1:4318`.'),
  headers: z.record(z.string().min(1), secretText).default({}).describe('Headers of each export.'),
};

export const telemetryConfig = z.strictObject({
  traces: z
    .strictObject({
      ...otlp,
      sampleRatio: z.number().min(0).max(1).default(1).describe('Share of calls traced whose caller has not decided.'),
    })
    .optional()
    .describe('Export traces. Default: none.'),
  metrics: z
    .strictObject({ ...otlp, intervalSeconds: z.int().min(1).max(3_600).default(60).describe('Time between two exports.') })
    .optional()
    .describe('Export metrics. Default: none.'),
  prometheus: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Serve metrics at `/metrics`.'),
      token: secretReference
        .optional()
        .describe('Bearer token a scrape must carry. Default: that of `listen`; without one, whoever reaches the port may scrape.'),
    })
    .prefault({})
    .describe('Metrics for Prometheus.'),
});
export type TelemetryConfig = z.infer<typeof telemetryConfig>;

export const ROLES = ['viewer', 'operator', 'auditor', 'owner'] as const;
export type Role = (typeof ROLES)[number];

export const adminConfig = z.strictObject({
  access: z
    .record(
      z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
          'must start with a letter or digit and hold at most 64 letters, digits, dots, dashes and underscores',
        ),
      z.strictObject({
        role: z
          .enum(ROLES)
          .describe(
            '`viewer` looks; `operator` also changes what runs; `auditor` looks and reads the audit with its payloads; `owner` may do everything but read payloads.',
          ),
        token: secretReference,
      }),
    )
    .default({})
    .describe('Who may use the admin API beside the owner of the data folder, by name.'),
});
export type AdminConfig = z.infer<typeof adminConfig>;
