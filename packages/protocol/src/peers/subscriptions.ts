import { GatewayError, LOCAL_PRINCIPAL, RawJson, isObject, type Notification } from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import { readMember, withMember } from '../messages/members.ts';
import type { RequestMessage } from '../messages/message.ts';
import { META, MODERN_REVISION } from '../revisions/revisions.ts';
import { clientTaskForm, missingExtension } from '../tasks/task-support.ts';
import type { PeerContext } from './peer-context.ts';
import type { Reply } from './reply.ts';
import type { Serving } from './serving.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
const LISTS = [
  { flag: 'toolsListChanged', capability: 'tools', method: 'notifications/tools/list_changed' },
  { flag: 'promptsListChanged', capability: 'prompts', method: 'notifications/prompts/list_changed' },
  { flag: 'resourcesListChanged', capability: 'resources', method: 'notifications/resources/list_changed' },
] as const;

interface Subscription {
  readonly request: RequestMessage;
  readonly reply: Reply;
  readonly methods: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
  readonly end: () => void;
}

/**
 * The open `subscriptions/listen` requests of one peer. Each gets what it asked for and we offer, tagged with its id.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/subscriptions
 */
export class Subscriptions {
  readonly #context: PeerContext;
  readonly #max: number;
  readonly #open = new Set<Subscription>();

  constructor(context: PeerContext, options: { readonly max: number }) {
    this.#context = context;
    this.#max = options.max;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a subscription; it lasts until it is cancelled or `close`.
   * @throws GatewayError `INVALID_PARAMS`, `MISSING_CAPABILITY`, `NOT_ACCEPTABLE`, `OVERLOADED`
   */
  open(request: RequestMessage, serving: Serving): void {
    const { reply, cancellation, done } = serving;
    if (!reply.takesNotifications)
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot send notifications to a client that does not accept "text/event-stream"');
    if (this.#open.size >= this.#max) throw new GatewayError('OVERLOADED', `Cannot keep more than ${this.#max} subscriptions open`);
    const filter = readFilter(request);
    if (filter.taskIds !== undefined && clientTaskForm(serving.client) === undefined) throw missingExtension('Cannot tell of tasks');
    const honored = this.#honor(filter);
    const uris = new Set(honored.resourceSubscriptions);
    const releases = this.#subscribe(uris);
    const tasks = this.#watchTasks(filter.taskIds ?? [], request, serving);
    releases.push(...tasks.values());
    if (tasks.size > 0) honored.taskIds = [...tasks.keys()];
    const subscription: Subscription = {
      request,
      reply,
      methods: new Set(LISTS.filter(({ flag }) => honored[flag]).map(({ method }) => method)),
      uris,
      end: () => {
        this.#open.delete(subscription);
        for (const release of releases.splice(0)) release();
        done?.();
      },
    };
    this.#open.add(subscription);
    cancellation.watch(subscription.end);
    reply.notify(encodeNotification(ACKNOWLEDGED, tag(RawJson.fromValue({ notifications: honored }), request)));
    if (subscription.methods.size === 0 && uris.size === 0 && tasks.size === 0) this.#finish(subscription);
  }

  /** Passes a notification on to whoever asked for it. */
  offer({ method, params }: Notification): void {
    if (this.#open.size === 0) return;
    const uri: unknown = method === UPDATED ? params?.object?.['uri'] : undefined;
    for (const { request, reply, methods, uris } of this.#open) {
      if (methods.has(method) || (typeof uri === 'string' && uris.has(uri))) reply.notify(encodeNotification(method, tag(params, request)));
    }
  }

  /** Ends all subscriptions in good order. */
  close(): void {
    for (const subscription of this.#open) this.#finish(subscription);
  }

  #finish(subscription: Subscription): void {
    subscription.end();
    const meta = RawJson.fromValue({ [META.serverInfo]: this.#context.handler.describe().info });
    const result = withMember(
      RawJson.fromValue({ resultType: 'complete' }),
      '_meta',
      withMember(meta, META.subscriptionId, subscription.request.id),
    );
    subscription.reply.answer({ kind: 'result', result, resultType: 'complete', isError: false, revision: MODERN_REVISION });
  }

  #subscribe(uris: ReadonlySet<string>): (() => void)[] {
    const releases: (() => void)[] = [];
    try {
      for (const uri of uris) releases.push(this.#context.handler.subscribe(uri));
    } catch (error) {
      for (const release of releases) release();
      throw error;
    }
    return releases;
  }

  // Each task goes to who asked for it alone, so its messages pass by the others.
  #watchTasks(taskIds: readonly string[], request: RequestMessage, serving: Serving): ReadonlyMap<string, () => void> {
    const { client, principal = LOCAL_PRINCIPAL, reply } = serving;
    const listener = ({ method, params }: Notification) => reply.notify(encodeNotification(method, tag(params, request)));
    const watched = new Map<string, () => void>();
    for (const taskId of new Set(taskIds)) {
      const stop = this.#context.handler.watchTask?.(taskId, { client, principal, listener });
      if (stop !== undefined) watched.set(taskId, stop);
    }
    return watched;
  }

  #honor(filter: Filter): Filter {
    const { capabilities } = this.#context.handler.describe();
    const honored: Filter = {};
    for (const { flag, capability } of LISTS) if (filter[flag] && offers(capabilities[capability], 'listChanged')) honored[flag] = true;
    if (filter.resourceSubscriptions?.length && offers(capabilities['resources'], 'subscribe'))
      honored.resourceSubscriptions = filter.resourceSubscriptions;
    return honored;
  }
}

interface Filter {
  toolsListChanged?: boolean;
  promptsListChanged?: boolean;
  resourcesListChanged?: boolean;
  resourceSubscriptions?: readonly string[];
  taskIds?: readonly string[];
}

const MAX_TEXTS = 1024;

function readFilter(request: RequestMessage): Filter {
  const asked = request.params.get('notifications')?.object;
  if (asked === undefined) throw new GatewayError('INVALID_PARAMS', 'Cannot listen without a "notifications" object that says for what');
  const filter: Filter = {};
  for (const { flag } of LISTS) {
    const value = asked[flag];
    if (value !== undefined && typeof value !== 'boolean')
      throw new GatewayError('INVALID_PARAMS', `Cannot accept "${flag}" that is not a boolean`);
    if (value === true) filter[flag] = true;
  }
  const uris = readTexts(asked, 'resourceSubscriptions');
  if (uris !== undefined) filter.resourceSubscriptions = uris;
  const taskIds = readTexts(asked, 'taskIds');
  if (taskIds !== undefined) filter.taskIds = taskIds;
  return filter;
}

function readTexts(asked: Readonly<Record<string, unknown>>, name: string): string[] | undefined {
  const texts = asked[name];
  if (texts === undefined) return undefined;
  if (!isListOfText(texts)) throw new GatewayError('INVALID_PARAMS', `Cannot accept "${name}" that is not a list of texts`);
  if (texts.length > MAX_TEXTS) throw new GatewayError('INVALID_PARAMS', `Cannot accept more than ${MAX_TEXTS} entries in "${name}"`);
  return texts;
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}

function offers(capability: unknown, what: string): boolean {
  return isObject(capability) && capability[what] === true;
}

// The id is the listen request's in its exact bytes, and joins whatever `_meta` the notification has.
function tag(params: RawJson | undefined, request: RequestMessage): RawJson {
  const meta = params && readMember(params, '_meta');
  return withMember(params, '_meta', withMember(meta, META.subscriptionId, request.id));
}
