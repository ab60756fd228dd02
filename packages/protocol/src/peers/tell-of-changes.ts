import { RawJson, isObject } from '@signalbox/core';
import type { ConnectOptions, ServerProfile } from './peer.ts';

/** Tells, as if the server did, of what may have changed while it did not know us: its lists, and these resources. */
export function tellOfChanges(
  { capabilities }: ServerProfile,
  uris: Iterable<string>,
  { onNotification, onForgotten }: Pick<ConnectOptions, 'onNotification' | 'onForgotten'>,
): void {
  for (const kind of onForgotten === undefined ? ['tools', 'prompts', 'resources'] : []) {
    if (isObject(capabilities[kind])) onNotification({ method: `notifications/${kind}/list_changed`, params: undefined });
  }
  onForgotten?.();
  for (const uri of uris) onNotification({ method: 'notifications/resources/updated', params: RawJson.fromValue({ uri }) });
}
