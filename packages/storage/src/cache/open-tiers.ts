import type { CacheTier } from '@signalbox/core';
import type { DiskTierOptions } from './disk-tier.ts';
import type { Compression } from './entry-text.ts';
import type { RedisTierOptions } from './redis-tier.ts';

// Each brings a native or a large library, which most starts never need.

export async function openDiskTier(options: DiskTierOptions): Promise<CacheTier> {
  return (await import('./disk-tier.ts')).createDiskTier(options);
}

export async function openRedisTier(options: RedisTierOptions): Promise<CacheTier> {
  return (await import('./redis-tier.ts')).createRedisTier(options);
}

/** LZ4: it costs less time than writing what it saves. */
export async function openCompression(): Promise<Compression> {
  const { compressSync, uncompressSync } = await import('lz4-napi');
  return { compressSync: (data) => compressSync(data), uncompressSync: (data) => uncompressSync(data) };
}
