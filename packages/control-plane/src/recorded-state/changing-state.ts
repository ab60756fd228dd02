import { GatewayError, silentLogger, toGatewayError, type GatewayConfig, type Logger, type Snapshot } from '@signalbox/core';
import { checkRestart, checkVersion, type Precondition } from '../desired-state/desired-state.ts';
import { diffConfig, isEmptyDiff, type ConfigDiff } from '../desired-state/diff-config.ts';
import { createSnapshots, type Snapshots } from '../desired-state/snapshots.ts';
import { auditEvent } from './audit-event.ts';
import { readText, restoreText, writeText } from './file-access.ts';
import { createHistory } from './history.ts';
import { invalidChange, refuseOwnersAlone, type Actor } from './plan-change.ts';
import { prepareChange, prepareRollback, type Prepared, type Sources, type Write } from './prepare-change.ts';
import { readState, setAside, type OwnedEntry, type ReadState } from './read-state.ts';
import type {
  ChangeRequest,
  ChangeResult,
  EventListener,
  History,
  RecordedState,
  Reload,
  RollbackRequest,
  RecordedStateOptions,
} from './recorded-state.ts';
import type { Recorder } from './recorder.ts';
import type { StateDocument, StateEvent } from './state-event.ts';
import { hashOf, isSameJson, type StateLog, type StateVerdict } from './state-log.ts';

export interface StateParts {
  readonly log: StateLog;
  readonly recorder: Recorder;
  readonly text: string;
  readonly read: ReadState;
}

/** What is to be recorded, decided at the state as it is. */
interface Decision extends Pick<StateParts, 'text' | 'read'> {
  readonly event: Omit<StateEvent, 'version' | 'atMs'>;
  readonly write?: Write;
}

/** Decides changes one after the other: each is recorded first, then applied. */
export class ChangingState implements RecordedState {
  readonly history: History;
  readonly #options: RecordedStateOptions;
  readonly #logger: Logger;
  readonly #log: StateLog;
  readonly #recorder: Recorder;
  readonly #snapshots: Snapshots;
  readonly #initial: GatewayConfig;
  readonly #listeners = new Set<EventListener>();
  readonly #stopWatching: () => void;
  /** What the snapshot was made of. */
  #document: StateDocument;
  #text: string;
  #read: ReadState;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: RecordedStateOptions, { log, recorder, text, read }: StateParts) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#log = log;
    this.#recorder = recorder;
    this.#document = recorder.document;
    this.#text = text;
    this.#read = read;
    this.#initial = read.config;
    this.#snapshots = createSnapshots({ ...recorder.document, config: read.config }, { logger: this.#logger });
    this.history = createHistory(log, options.file.path);
    const follow = () =>
      void this.#queue(() => this.#catchUp()).catch((error: unknown) => this.#logger.debug('Cannot follow the store', { error }));
    this.#stopWatching = options.store.watch(({ logs }) => logs.has('state') && follow());
    recorder.onBack = follow;
  }

  get current(): Snapshot {
    return this.#snapshots.current;
  }

  watch(listener: (next: Snapshot, previous: Snapshot) => void): () => void {
    return this.#snapshots.watch(listener);
  }

  watchEvents(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly reload: Reload = (reason, { by = 'file', ...precondition } = {}) =>
    this.#queue(async () => {
      const { file } = this.#options;
      checkVersion(this.current, precondition);
      const text = await readText(file);
      readState(text, file.path, this.#document.entries);
      if (hashOf(text) === this.#document.file) return this.#diffTo(this.#read.config);
      const event = await this.#recorder.recordFile({ by, action: 'config.reload', reason, file: hashOf(text) }, text);
      if (event !== undefined) return this.#adopt(event, { read: readState(text, file.path, this.#recorder.document.entries), text });
      await this.#catchUp();
      return this.#diffTo(this.#read.config);
    });

  change(request: ChangeRequest, actor: Actor): Promise<ChangeResult> {
    return this.#queue(() => this.#make({ ...request, actor }, () => prepareChange(request, this.#sources())));
  }

  rollback(request: RollbackRequest, actor: Actor): Promise<ChangeResult> {
    return this.#queue(() => this.#make({ ...request, actor }, () => prepareRollback(request, this.#sources())));
  }

  restart(name: string, actor: Actor, precondition: Precondition = {}): Promise<number> {
    return this.#queue(async () => {
      await this.#decide(async () => {
        checkVersion(this.current, precondition);
        checkRestart(this.current, name);
        return { event: { by: actor.by, action: 'upstream.restart', restarts: [name] }, read: this.#read, text: this.#text };
      });
      const { generation } = this.current.upstreams.get(name)!;
      this.#logger.info('Restart asked for', { upstream: name, generation, by: actor.by });
      return generation;
    });
  }

  owned(): readonly OwnedEntry[] {
    return this.#read.owned;
  }

  verify(): Promise<StateVerdict> {
    return this.#queue(() => this.#verify());
  }

  rebuild(): Promise<StateVerdict> {
    return this.#queue(async () => {
      await this.#log.rebuild();
      await this.#catchUp();
      return this.#verify();
    });
  }

  toText(): string {
    return JSON.stringify({ document: this.#document, text: this.#text });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    this.#recorder.close();
    await this.#last;
  }

  async #verify(): Promise<StateVerdict> {
    const verdict = await this.#log.verify();
    const { version } = this.current;
    if (verdict.version === version) return verdict;
    return {
      ...verdict,
      isSound: false,
      problems: [...verdict.problems, `version ${version} applies, and the log ends at ${verdict.version}`],
    };
  }

  // One change after the other, so that each is decided at the state the one before has left.
  #queue<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      if (this.#isClosed) throw new GatewayError('CANCELLED', 'The gateway is ending');
      return run();
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  #sources(): Sources {
    return { entries: this.#document.entries, text: this.#text, file: this.#options.file, log: this.#log };
  }

  #diffTo(config: GatewayConfig): ConfigDiff {
    return { ...diffConfig(this.#read.config, config), needsRestart: diffConfig(this.#initial, config).needsRestart };
  }

  async #make(
    { dryRun = false, reason, actor, ifVersion }: Pick<ChangeRequest, 'dryRun' | 'reason' | 'ifVersion'> & { readonly actor: Actor },
    prepare: () => Promise<Prepared>,
  ): Promise<ChangeResult> {
    const { file } = this.#options;
    let result: Pick<ChangeResult, 'diff' | 'problems'> & { readonly textDiff: string | undefined };
    const backup = await this.#decide(async () => {
      checkVersion(this.current, { ifVersion });
      const { ground, plan, event, write } = await prepare();
      const before = write === undefined ? ground.text : (write.expected ?? '');
      const isTextNew = plan.text !== before;
      const diff = this.#diffTo(plan.read?.config ?? this.#read.config);
      result = { diff, problems: plan.problems, textDiff: isTextNew ? file.diff(before, plan.text) : undefined };
      refuseOwnersAlone(plan, diff, actor);
      if (dryRun) return undefined;
      if (plan.read === undefined) throw invalidChange(file.path, plan.problems);
      const hash = hashOf(plan.text);
      const isFileNew = (isTextNew || plan.text !== this.#text) && hash !== this.#document.file;
      if (!isFileNew && !isTextNew && isSameJson(this.#document.entries, plan.entries)) return undefined;
      return {
        event: {
          by: actor.by,
          ...event,
          ...(reason !== undefined && { reason }),
          ...(plan.operations.length > 0 && { operations: plan.operations }),
          ...(isFileNew && { file: hash }),
        },
        read: plan.read,
        text: plan.text,
        ...(isTextNew && write !== undefined && { write }),
      };
    });
    const { diff, problems, textDiff } = result!;
    return {
      version: this.current.version,
      isDryRun: dryRun,
      diff,
      problems,
      file: textDiff === undefined ? undefined : { path: file.path, diff: textDiff, backup },
    };
  }

  /** Records what is decided. When another writer was first, it is decided again at what that one has left. */
  async #decide(decide: () => Promise<Decision | undefined>): Promise<string | undefined> {
    const { file } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const decision = await decide();
      if (decision === undefined) return undefined;
      const { event, text, write } = decision;
      const backup = write === undefined ? undefined : await writeText(file, text, write.expected);
      try {
        this.#adopt(await this.#recorder.record(event, text), decision);
        return backup;
      } catch (error) {
        if (write !== undefined) await restoreText(file, { before: write.expected, after: text, logger: this.#logger });
        if (toGatewayError(error).code !== 'STALE' || attempt === 5) throw error;
        await this.#catchUp();
      }
    }
  }

  /** Follows what other writers have recorded. */
  async #catchUp(): Promise<void> {
    await this.#recorder.catchUp();
    const { document } = this.#recorder;
    if (isSameJson(document, this.#document)) return;
    const text = document.file === hashOf(this.#text) ? this.#text : await this.#log.text(document.file);
    const event = await this.#log.event(document.version);
    this.#replace(event, { text, read: readState(text, this.#options.file.path, document.entries) });
  }

  #adopt(event: StateEvent, parts: Pick<StateParts, 'text' | 'read'>): ConfigDiff {
    const diff = this.#replace(event, parts);
    void auditEvent({ audit: this.#options.audit, logger: this.#logger }, event, diff);
    return diff;
  }

  #replace(event: StateEvent, { read, text }: Pick<StateParts, 'text' | 'read'>): ConfigDiff {
    const diff = this.#diffTo(read.config);
    const before = setAside(this.#read);
    this.#read = read;
    this.#text = text;
    this.#document = this.#recorder.document;
    this.#snapshots.replace({ ...this.#document, config: read.config });
    for (const [path, why] of setAside(read))
      if (before.get(path) !== why) this.#logger.warn(`What the API owns is set aside: ${path}`, { why });
    const { by, action, reason = action, version } = event;
    if (!isEmptyDiff(diff)) {
      const { added, removed, changed, needsRestart } = diff;
      this.#logger.info('Configuration applied', { reason, by, version, added, removed, changed, needsRestart });
    }
    for (const listener of this.#listeners) listener(event, this.current, diff);
    return diff;
  }
}
