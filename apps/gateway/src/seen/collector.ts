/** Where a collector is, and how to speak to it. */
export interface CollectorOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Who speaks. */
  readonly resource: Resource;
}

export interface Resource {
  readonly version: string;
  /** Tells this process from the others of its kind. */
  readonly instance: string;
}

/** Longest wait for a collector, in milliseconds. */
export const EXPORT_MS = 5_000;

/** Who speaks, in the names of https://opentelemetry.io/docs/specs/semconv/resource/. */
export function resourceOf({ version, instance }: Resource) {
  return { 'service.name': 'signalbox', 'service.version': version, 'service.instance.id': instance };
}

/** The address of one kind of data, which that of the collector may name already. @param path `v1/traces`. */
export function addressOf(url: string, path: string): string {
  return new URL(url).pathname.endsWith(path) ? url : `${url.replace(/\/$/, '')}/${path}`;
}
