import { StringDecoder } from 'node:string_decoder';

/**
 * Returns a reader of an event stream: give it the chunks as they come, get the events they complete.
 * @returns {(chunk: Buffer) => { data: string, id?: string }[]}
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventReader() {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let data = [];
  let id;

  return (chunk) => {
    rest += decoder.write(chunk);
    const events = [];
    // A carriage return at the very end may be half of a line end, so it waits for what follows.
    for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end !== null; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
      const line = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      if (line !== '') {
        readField(line);
        continue;
      }
      if (data.length > 0) events.push({ data: data.join('\n'), ...(id === undefined ? {} : { id }) });
      data = [];
    }
    return events;
  };

  function readField(line) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === 'data') data.push(value);
    else if (name === 'id') id = value;
  }
}

export const eventHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** The bytes of one event; a text of several lines becomes as many data fields. */
export function toEvent(text, id) {
  const lines = text.split(/\r\n|\n|\r/).map((line) => `data: ${line}\n`);
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\n${lines.join('')}\n`;
}
