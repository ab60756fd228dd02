import cluster from 'node:cluster';
import { ADMIN_PREFIX, type FollowedState, type JournalRing, type RecordedState } from '@signalbox/control-plane';
import { toMessage, type DocumentStore, type Journal, type Logger, type Record as CallRecord, type Status } from '@signalbox/core';
import type { LeadDocuments } from '@signalbox/data-plane';
import type { HttpServer } from '@signalbox/protocol';
import type { Route } from '../admin.ts';
import { JointMetrics, type MetricsSnapshot } from '../seen/metrics-snapshot.ts';
import type { Follow, Order, Report, Setup } from './messages.ts';
import { JointStatus, toObserved } from './observed.ts';
import { isMetricsPath } from '../seen/metrics-route.ts';
import { createRelay, serveRelayed, type Relay, type RelayServer, type RelayServerOptions } from './relay.ts';
import { WorkerHomes } from './worker-homes.ts';

/** How often what a worker observes is told, in milliseconds. */
const OBSERVE_MS = 250;
/** How often what a worker counts is told, in milliseconds. */
const MEASURE_MS = 1_000;
/** Calls told of each time. */
const MAX_CALLS = 50;

export interface WorkerPartOptions {
  readonly setup: Setup;
  readonly send: (report: Report, handle?: object) => void;
  readonly logger: Logger;
}

interface OpenOptions {
  readonly url: string;
  readonly status: Status;
  readonly measure: () => MetricsSnapshot;
  /** Has a list of an upstream fetched again. */
  readonly listChanged: LeadDocuments['listChanged'];
}

/** What makes a gateway one of several workers. */
export class WorkerPart {
  readonly setup: Setup;
  readonly homes: WorkerHomes;
  /** What the others count, for the leader. */
  readonly metrics = new JointMetrics();
  readonly #options: WorkerPartOptions;
  readonly #relay: Relay;
  /** The leader's documents as text, by key. */
  readonly #documents: Map<string, string>;
  readonly #led = new Set<(key: string, document: unknown) => void>();
  #last: Promise<void> | undefined;
  #onLast = (): void => undefined;
  #server: HttpServer | undefined;
  #relayed: RelayServer | undefined;
  #state: FollowedState | undefined;
  #status: JointStatus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #measureTimer: NodeJS.Timeout | undefined;
  #told = '';
  #listChanged: OpenOptions['listChanged'] | undefined;
  #journal: JournalRing | undefined;
  #answer: RelayServerOptions['answer'];
  #calls: CallRecord[] = [];

  constructor(options: WorkerPartOptions) {
    const { setup, send } = options;
    this.#options = options;
    this.setup = setup;
    this.#documents = new Map(setup.documents);
    this.#relay = createRelay({ socketPrefix: setup.socketPrefix, token: setup.adminToken });
    this.homes = new WorkerHomes({ own: String(cluster.worker!.id), slots: setup.slots, relay: this.#relay, send });
  }

  get isLeader(): boolean {
    return this.setup.slot === 0;
  }

  /** What the leader has decided and decides; `undefined` for the leader itself. */
  get lead(): LeadDocuments | undefined {
    if (this.isLeader) return undefined;
    return {
      watch: (listener) => {
        this.#led.add(listener);
        for (const [key, text] of this.#documents) listener(key, JSON.parse(text));
        return () => this.#led.delete(listener);
      },
      listChanged: (upstream, method) => this.#options.send({ kind: 'list-changed', upstream, method }),
    };
  }

  /** The leader's documents, of which the others hear. */
  share(documents: DocumentStore): DocumentStore {
    if (!this.isLeader) return documents;
    return {
      read: (key) => documents.read(key),
      write: (key, document) => {
        this.#options.send({ kind: 'document', key, text: JSON.stringify(document) });
        return documents.write(key, document);
      },
      remove: (key) => documents.remove(key),
    };
  }

  /** Of all workers, for the leader; its own, for others. */
  join(status: Status): Status {
    if (!this.isLeader) return status;
    return (this.#status = new JointStatus(status));
  }

  /** Takes the calls of all workers, for the leader; tells the leader of its own, for others. */
  record(journal: JournalRing): Journal {
    this.#journal = journal;
    if (this.isLeader) return journal;
    return {
      write: (call) => {
        journal.write(call);
        if (this.#calls.length < MAX_CALLS) this.#calls.push(call);
      },
    };
  }

  /** Tells the others what the leader wants, now and after each change. */
  command(state: RecordedState): void {
    const tell = () => this.#options.send({ kind: 'state', text: state.toText() });
    state.watch(tell);
    tell();
  }

  /** Has a state follow what the leader wants. */
  obey(state: FollowedState): void {
    this.#state = state;
  }

  /** Has what others tell the leader answered, for the leader; what the leader asks, for others. */
  hear(answer: NonNullable<RelayServerOptions['answer']>): void {
    this.#answer = answer;
  }

  /** Asks another worker something by its number, for the leader; `undefined` while it is being started. @throws Error when it does not answer. */
  readonly ask = async (worker: number, question: Buffer, waitMs: number): Promise<Buffer | undefined> => {
    const name = this.homes.inSlot(worker - 1);
    return name === undefined ? undefined : this.#relay.tell(name, question, waitMs);
  };

  /** Tells the leader something and brings what it says to that; `undefined` while it is away. @throws Error when it does not answer. */
  async tellLeader(said: Buffer): Promise<Buffer | undefined> {
    const { leader } = this.homes;
    return leader === undefined ? undefined : this.#relay.tell(leader, said);
  }

  /** Has the leader answer what belongs to no client. */
  route(own: Route): Route {
    return (request, response) => {
      const { leader } = this.homes;
      if (leader === undefined || !isOfAll(request.url)) return own(request, response);
      this.homes.relay(leader, { request, response, serve: () => void own(request, response) });
      return true;
    };
  }

  /** Takes requests and connections from other workers from now on, and tells what it observes. */
  async open(server: HttpServer, { url, status, measure, listChanged }: OpenOptions): Promise<void> {
    const { setup, send } = this.#options;
    this.#server = server;
    this.#listChanged = listChanged;
    this.#relayed = await serveRelayed({
      socketPrefix: setup.socketPrefix,
      token: setup.adminToken,
      name: this.homes.own,
      serve: server.receive,
      answer: this.#answer,
    });
    send({ kind: 'ready', url, observed: toObserved(status, []) });
    this.#timer = setInterval(() => {
      const observed = toObserved(status, this.#calls);
      this.#calls = [];
      const text = JSON.stringify(observed);
      if (text === this.#told) return;
      this.#told = text;
      send({ kind: 'observed', observed });
    }, OBSERVE_MS).unref();
    if (!this.isLeader) this.#measureTimer = setInterval(() => send({ kind: 'metrics', snapshot: measure() }), MEASURE_MS).unref();
  }

  /** Has `lastConnection` wait for the word of the process that accepts. */
  stop(): void {
    this.#last ??= new Promise((resolve) => (this.#onLast = resolve));
  }

  /** Resolves when nobody connects any more: everybody who has is here or with another worker. Absent unless it was told to stop. */
  get lastConnection(): Promise<void> | undefined {
    return this.#last;
  }

  /** Takes an order; those that end the process are not among them. */
  follow(order: Order, handle?: object): void {
    this.homes.follow(order);
    switch (order.kind) {
      case 'living': {
        const names = new Set(order.workers.map(([, name]) => name));
        this.metrics.keep(names);
        return this.#status?.keep(names);
      }
      case 'observed':
        for (const call of order.observed.calls) this.#journal?.write(call);
        return this.#status?.take(order.name, order.observed);
      case 'metrics':
        return this.metrics.take(order.name, { worker: order.slot + 1, snapshot: order.snapshot });
      case 'list-changed':
        return this.#listChanged?.(order.upstream, order.method);
      case 'last':
        return this.#onLast();
      case 'move':
        if (handle !== undefined) this.#server?.take({ handle, unread: Buffer.from(order.unread, 'base64'), moves: order.moves });
        return;
      case 'document':
      case 'state':
        return this.#followLeader(order);
      default:
    }
  }

  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#measureTimer);
    this.#relayed?.close();
    this.#relay.close();
  }

  #followLeader(order: Follow): void {
    const { logger } = this.#options;
    try {
      if (order.kind === 'document') {
        this.#documents.set(order.key, order.text);
        for (const listener of this.#led) listener(order.key, JSON.parse(order.text));
      } else this.#state?.take(order.text);
    } catch (error) {
      logger.error('could not follow the worker that leads', { order: order.kind, error: toMessage(error) });
    }
  }
}

// What is asked of the gateway rather than of the process that happens to answer.
function isOfAll(url: string | undefined): boolean {
  return url !== undefined && (url.startsWith(`${ADMIN_PREFIX}/`) || isMetricsPath(url));
}
