// In small letters. Some are servers' to ask, not clients'.
const REQUESTS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setlevel',
  'sampling/createmessage',
  'elicitation/create',
  'roots/list',
]);

const NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/roots/list_changed',
  'notifications/subscriptions/acknowledged',
  'notifications/elicitation/complete',
  'notifications/tasks',
  'notifications/tasks/status',
]);

const PRINTABLE = /^[\x21-\x7e]+$/;
const NOTIFICATION = /^notifications\//i;

// A server may be less particular than we are: what it could take for a method of the specification is not beyond it, and
// would reach what is not shown here.

/** Tells whether a request is of a method that the specification does not know. */
export function isBeyond(method: string): boolean {
  return PRINTABLE.test(method) && !REQUESTS.has(method.toLowerCase()) && !NOTIFICATION.test(method);
}

/** Tells whether a notification is one that the specification does not know. */
export function isNotificationBeyond(method: string): boolean {
  return PRINTABLE.test(method) && NOTIFICATION.test(method) && !NOTIFICATIONS.has(method.toLowerCase());
}
