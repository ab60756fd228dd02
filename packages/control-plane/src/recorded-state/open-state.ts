import { silentLogger, systemClock, type GatewayConfig } from '@signalbox/core';
import { diffConfig } from '../desired-state/diff-config.ts';
import { auditEvent } from './audit-event.ts';
import { ChangingState } from './changing-state.ts';
import { readText, readUsableText } from './file-access.ts';
import { readState } from './read-state.ts';
import type { RecordedState, RecordedStateOptions } from './recorded-state.ts';
import { createRecorder } from './recorder.ts';
import type { StateDocument } from './state-event.ts';
import { createStateLog, hashOf, type StateLog } from './state-log.ts';

/**
 * Opens the wanted state: what the store knows of it, brought up to the file as it is now.
 * While the store is away the file alone applies.
 * @throws GatewayError `INVALID_CONFIG` when the file cannot be used.
 */
export async function openState(options: RecordedStateOptions): Promise<RecordedState> {
  const { store, file, audit, isFileOptional = false, logger = silentLogger, clock = systemClock } = options;
  const log = createStateLog(store);
  const recorder = createRecorder({ log, logger, clock });
  const text = isFileOptional ? await readUsableText(file) : await readText(file);
  await recorder.open();
  const readNow = () => readState(text ?? '{}', file.path, recorder.document.entries);
  // An invalid file is refused before anything is recorded of it.
  readNow();
  const before = recorder.document;
  const isNew = text !== undefined && hashOf(text) !== before.file;
  const fact = { by: 'file', action: 'config.reload', reason: 'start' } as const;
  const event = isNew ? await recorder.recordFile({ ...fact, file: hashOf(text) }, text) : undefined;
  const read = readNow();
  if (event !== undefined) {
    const diff = diffConfig(await configBefore(log, before, file.path), read.config);
    await auditEvent({ audit, logger }, event, diff);
  }
  return new ChangingState(options, { log, recorder, text: text ?? '{}', read });
}

// What was wanted when the gateway ended, as far as that can still be read.
async function configBefore(log: StateLog, { file, entries }: StateDocument, path: string): Promise<GatewayConfig> {
  try {
    return readState(await log.text(file), path, entries).config;
  } catch {
    return readState('{}', path, []).config;
  }
}
