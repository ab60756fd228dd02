import { GatewayError } from '@signalbox/core';

/** The refusal of a store whose schema is ahead of ours. */
export function newerSchema(store: string, { found, known }: { readonly found: number; readonly known: number }): GatewayError {
  return new GatewayError(
    'INVALID_CONFIG',
    `Cannot open the store "${store}": it was written by a newer version of Signalbox (schema ${found}; this one knows up to ${known}); install that version again, or restore a backup made before`,
    { data: { found, known } },
  );
}
