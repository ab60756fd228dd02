import { RawJson, isObject, type Notification } from '@signalbox/core';
import type { ServerProfile } from './peer.ts';

/** Tells, as if the server did, of what may have changed while nothing was heard of it: its lists, and these resources. */
export function tellOfChanges(
  { capabilities }: ServerProfile,
  uris: Iterable<string>,
  onNotification: (notification: Notification) => void,
): void {
  for (const kind of ['tools', 'prompts', 'resources']) {
    if (isObject(capabilities[kind])) onNotification({ method: `notifications/${kind}/list_changed`, params: undefined });
  }
  for (const uri of uris) onNotification({ method: 'notifications/resources/updated', params: RawJson.fromValue({ uri }) });
}
