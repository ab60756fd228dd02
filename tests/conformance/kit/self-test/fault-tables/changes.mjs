import { isObject } from '../../wire/json.mjs';

/** Changes the result of every answer. */
export const onResult = (change) => ({
  message: (message, passage) => [isObject(message.result) ? { ...message, result: change(message.result, passage) } : message],
});

/** Changes the result of the answers to one method. */
export const onResultOf = (method, change) => onResult((result, passage) => (passage.asked?.method === method ? change(result) : result));

/** Changes each item of one list. */
export const onItems = (method, member, change) => onResultOf(method, (result) => ({ ...result, [member]: result[member]?.map(change) }));

/** Changes each block of content. */
export const onContent = (change) =>
  onResultOf('tools/call', (result) => ({ ...result, ...(result.content ? { content: change(result.content) } : {}) }));

/** Changes notifications of one kind; `undefined` drops them. */
export const onNotification = (method, change) => ({
  message: (message) => (message.method === method && message.id === undefined ? [change(message)].filter(Boolean) : [message]),
});

/** Changes what a server asks, whether it travels as a request or in a result. */
export const onAsk = (method, change) => ({
  message(message) {
    if (message.method === method && message.id !== undefined) return [{ ...message, params: change(message.params) }];
    const requests = message.result?.inputRequests;
    if (requests === undefined) return [message];
    const changed = Object.entries(requests).map(([key, asked]) => [
      key,
      asked.method === method ? { ...asked, params: change(asked.params) } : asked,
    ]);
    return [{ ...message, result: { ...message.result, inputRequests: Object.fromEntries(changed) } }];
  },
});

/** Changes the params of calls on their way to the server. */
export const onParams = (change) => ({
  request: (message) => (isObject(message.params) ? { ...message, params: change(message.params, message.method) } : message),
});

/** A copy without some members. */
export function without(object, ...names) {
  return isObject(object) ? Object.fromEntries(Object.entries(object).filter(([key]) => !names.includes(key))) : object;
}

/** A copy with only some members. */
export function only(object, ...names) {
  return isObject(object) ? Object.fromEntries(Object.entries(object).filter(([key]) => names.includes(key))) : object;
}

/** A copy in which every object, at any depth, is changed. */
export function deeply(value, change) {
  if (Array.isArray(value)) return value.map((each) => deeply(each, change));
  if (!isObject(value)) return change(value);
  return change(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, deeply(member, change)])));
}
