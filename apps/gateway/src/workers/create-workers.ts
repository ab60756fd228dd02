import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { removeRuntimeFile, writeRuntimeFile } from '@signalbox/control-plane';
import { GatewayError, type Status } from '@signalbox/core';
import { removePairsOf } from '@signalbox/protocol';
import type { Gateway } from '../gateway.ts';
import type { GatewayLogger } from '../log/create-logger.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { createAddressBook } from './address-book.ts';
import { ClusterListener } from './cluster-listener.ts';
import { watchHanding, type Handing, type Handle } from './handing.ts';
import { removeSocket } from './relay.ts';
import { WORKER_VARIABLE, type Move, type Observed, type Order, type Report } from './messages.ts';

export interface WorkersOptions {
  readonly count: number;
  readonly configPath: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly logger: GatewayLogger;
  readonly terminal: Terminal;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
/** A worker that ran this long begins anew with short waits. */
const STEADY_MS = 60_000;
/** How long after its grace a worker may take to be gone, in milliseconds. */
const END_MS = 15_000;
/** Longest wait until connections that were accepted are on their way to a worker, in milliseconds. */
const HAND_OUT_MS = 2_000;
const NOTHING: Observed = { sessions: { open: 0, streams: 0 }, upstreams: [], virtualServers: [], calls: [] };

interface Place {
  readonly slot: number;
  worker: Worker | undefined;
  handing: Handing | undefined;
  isReady: boolean;
  startedAtMs: number;
  backoffMs: number;
}

/** Several processes that serve one port. This one starts them, and others for those that die; it serves nobody itself. */
export function createWorkers(options: WorkersOptions): Pick<Gateway, 'status' | 'listen' | 'close'> {
  return new Workers(options);
}

class Workers {
  readonly status: Status;
  readonly #options: WorkersOptions;
  readonly #places: readonly Place[];
  readonly #documents = new Map<string, string>();
  #state: string | undefined;
  readonly #book = createAddressBook((name) => this.#byName(name) !== undefined);
  readonly #adminToken = randomBytes(32).toString('base64url');
  readonly #folder: string | undefined;
  readonly #socketPrefix: string;
  #observed: Observed = NOTHING;
  readonly #listener = new ClusterListener();
  #handedOut = 0;
  #port = 0;
  #turn = 0;
  #isClosing = false;
  #closing: Promise<void> | undefined;
  #onFirst: { resolve(url: string): void; reject(error: GatewayError): void } | undefined;
  #onGone: (() => void) | undefined;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, (_, slot) => ({
      slot,
      worker: undefined,
      handing: undefined,
      isReady: false,
      startedAtMs: 0,
      backoffMs: FIRST_BACKOFF_MS,
    }));
    this.status = {
      upstreams: () => this.#observed.upstreams,
      virtualServers: () => this.#observed.virtualServers,
      sessions: () => this.#observed.sessions,
    };
    // Sockets have short names at most, which those of data folders need not be. Nobody else may enter.
    if (process.platform === 'win32') this.#socketPrefix = `\\\\.\\pipe\\signalbox-${randomBytes(9).toString('base64url')}-`;
    else {
      this.#folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
      this.#socketPrefix = `${this.#folder}/`;
    }
  }

  async listen(): Promise<{ readonly url: string }> {
    const { host, dataDir, configPath } = this.#options;
    this.#port = await findPort(host, this.#options.port);
    // What accepts connections is this process, so that they are spread evenly.
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ silent: false });
    const first = new Promise<string>((resolve, reject) => (this.#onFirst = { resolve, reject }));
    this.#start(this.#places[0]!);
    const url = await first;
    this.#onFirst = undefined;
    await writeRuntimeFile(dataDir, {
      pid: process.pid,
      url,
      adminUrl: new URL('/', url).href,
      token: this.#adminToken,
      startedAt: new Date().toISOString(),
      configPath,
    });
    return { url };
  }

  close(graceMs = 10_000, delayMs = 0): Promise<void> {
    return (this.#closing ??= this.#close(graceMs, delayMs));
  }

  async #close(graceMs: number, delayMs: number): Promise<void> {
    this.#isClosing = true;
    const gone = new Promise<void>((resolve) => (this.#onGone = resolve));
    this.#tellAll({ kind: 'stop', graceMs, delayMs });
    this.#checkGone();
    void this.#handOutLast(delayMs);
    const timer = setTimeout(
      () => {
        for (const { worker } of this.#places) worker?.process.kill('SIGKILL');
      },
      delayMs + graceMs + END_MS,
    );
    await gone;
    clearTimeout(timer);
    await removeRuntimeFile(this.#options.dataDir, process.pid);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Gives the workers everybody who has connected, and then says that nobody else comes. */
  async #handOutLast(delayMs: number): Promise<void> {
    if (delayMs > 0) await pause(delayMs);
    await this.#listener.end();
    const endMs = performance.now() + HAND_OUT_MS;
    while (this.#handedOut < this.#listener.accepted && performance.now() < endMs) await pause(1);
    this.#tellAll({ kind: 'last' });
  }

  #start(place: Place): void {
    const worker = cluster.fork({ [WORKER_VARIABLE]: '1' });
    place.worker = worker;
    place.handing = watchHanding(worker, {
      onNew: () => void this.#handedOut++,
      onUnsent: (order, handle) => this.#pass(order, handle),
    });
    place.isReady = false;
    place.startedAtMs = Date.now();
    worker.on('message', (report: Report, handle: Handle | undefined) => this.#take(place, worker, report, handle));
    // A channel that breaks ends its worker, and that is what we act on.
    worker.on('error', () => undefined);
    worker.on('exit', (code, signal) => this.#lost(place, { worker, code, signal }));
  }

  #take(place: Place, worker: Worker, report: Report, handle: Handle | undefined): void {
    const name = String(worker.id);
    // What a worker said last may be heard after its end, and says nothing of its place any more.
    const isGone = place.worker !== worker;
    switch (report.kind) {
      case 'hello':
        // It has begun nothing yet, and heard nothing of what was said before.
        if (this.#isClosing) return void worker.process.kill('SIGKILL');
        return this.#tell(worker, {
          kind: 'setup',
          slot: place.slot,
          slots: this.#places.length,
          host: this.#options.host,
          port: this.#port,
          socketPrefix: this.#socketPrefix,
          adminToken: this.#adminToken,
          pid: process.pid,
          startedAgoMs: Math.round(process.uptime() * 1000),
          documents: [...this.#documents],
          state: this.#state,
        });
      case 'ready':
        if (isGone) return;
        place.isReady = true;
        if (place.slot === 0) this.#observed = report.observed;
        this.#tellLiving();
        if (this.#onFirst !== undefined) this.#listener.find(this.#port);
        this.#onFirst?.resolve(report.url);
        return;
      case 'settled':
        if (isGone) return;
        for (const other of this.#places) if (other.worker === undefined && !this.#isClosing) this.#start(other);
        return;
      case 'failed':
        return this.#failed(place, report);
      case 'observed':
        if (place.slot === 0) this.#observed = report.observed;
        else this.#tellLeader({ kind: 'observed', name, observed: report.observed });
        return;
      case 'metrics':
        if (place.slot !== 0) this.#tellLeader({ kind: 'metrics', name, slot: place.slot, snapshot: report.snapshot });
        return;
      case 'log':
        return this.#options.logger.writeLine(report.line);
      case 'ask':
        return this.#tell(worker, { kind: 'answer', number: report.number, home: this.#book.find({ ...report, asker: name }) });
      case 'ended':
        return this.#book.end(report.id);
      case 'move':
        if (handle !== undefined) this.#pass(report, handle);
        return;
      case 'list-changed':
        return this.#tellLeader(report);
      case 'document':
        this.#documents.set(report.key, report.text);
        return this.#tellAll(report, worker);
      case 'state':
        this.#state = report.text;
        return this.#tellAll(report, worker);
    }
  }

  #failed(place: Place, { code, message }: Extract<Report, { kind: 'failed' }>): void {
    const error = new GatewayError(code, message);
    if (this.#onFirst !== undefined) return this.#onFirst.reject(error);
    this.#options.logger.error('a worker could not start', { worker: place.slot + 1, error: message });
  }

  #lost(
    place: Place,
    { worker, code, signal }: { readonly worker: Worker; readonly code: number | null; readonly signal: string | null },
  ): void {
    place.worker = undefined;
    place.isReady = false;
    removeSocket({ socketPrefix: this.#socketPrefix, name: String(worker.id) });
    if (worker.process.pid !== undefined) removePairsOf(worker.process.pid);
    if (this.#isClosing) return this.#checkGone();
    if (this.#onFirst !== undefined)
      return this.#onFirst.reject(new GatewayError('INTERNAL', `Cannot start the first worker: it ended with ${String(signal ?? code)}`));
    this.#tellLiving();
    if (Date.now() - place.startedAtMs > STEADY_MS) place.backoffMs = FIRST_BACKOFF_MS;
    const { backoffMs } = place;
    place.backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
    this.#options.logger.error('a worker ended and is started again', {
      worker: place.slot + 1,
      pid: worker.process.pid,
      code,
      signal,
      afterMs: backoffMs,
    });
    setTimeout(() => {
      // The leader may have started it meanwhile.
      if (!this.#isClosing && place.worker === undefined) this.#start(place);
    }, backoffMs);
  }

  #tellLiving(): void {
    const workers = this.#places.flatMap(({ slot, worker, isReady }) => (isReady ? [[slot, String(worker!.id)] as const] : []));
    this.#tellAll({ kind: 'living', workers });
    if (workers.length !== this.#places.length) return;
    if (this.#options.terminal.isJson) this.#options.terminal.event({ event: 'workers', running: workers.length });
  }

  #byName(name: string): Worker | undefined {
    return this.#places.find(({ worker, isReady }) => isReady && String(worker!.id) === name)?.worker;
  }

  #tell(worker: Worker, order: Order): void {
    if (worker.isConnected()) worker.send(order);
  }

  #tellLeader(order: Order): void {
    const { worker, isReady } = this.#places[0]!;
    if (worker !== undefined && isReady) this.#tell(worker, order);
  }

  #tellAll(order: Order, but?: Worker): void {
    for (const { worker } of this.#places) if (worker !== undefined && worker !== but) this.#tell(worker, order);
  }

  // Whoever takes a connection finds out where its next request belongs, so it may be any worker when the right one has gone.
  #pass(order: Move, handle: Handle): void {
    const able = this.#places.filter(({ worker, isReady }) => isReady && worker!.isConnected());
    const right = able.find(({ worker }) => String(worker!.id) === order.to);
    const place = right ?? (this.#isClosing ? undefined : able[this.#turn++ % able.length]);
    if (place === undefined) handle.close();
    else place.handing!.give(order, handle);
  }

  #checkGone(): void {
    if (this.#places.every(({ worker }) => worker === undefined)) this.#onGone?.();
  }
}

// All workers need the same port, also those that come when all others are gone.
function findPort(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'CONFLICT' : 'INTERNAL';
      reject(new GatewayError(code, `Cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    });
    server.listen({ port, host: host.replace(/^\[|\]$/g, '') }, () => {
      const found = (server.address() as AddressInfo).port;
      server.close(() => resolve(found));
    });
  });
}
