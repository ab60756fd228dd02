import { STATUS_CODES } from 'node:http';
import { GatewayError, type Clock } from '@signalbox/core';

/** How long a connection waits for its next request, in seconds. Clients are told, so that they do not send into one that closes. */
export const KEEP_ALIVE_SECONDS = 65;

const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
const KEPT = `Keep-Alive: timeout=${KEEP_ALIVE_SECONDS}\r\n`;
const LAST = 'Connection: close\r\n';

/** Writes heads of answers. What is the same in all of them is written once a second, when the date changes. */
export class ResponseHeads {
  readonly #clock: Clock;
  #second = -1;
  #date = '';
  #usual = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Status line, date, and what becomes of the connection. The caller adds its own lines and the empty one. */
  start(status: number, isKept: boolean): string {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
      this.#usual = this.#write(200, true);
    }
    return status === 200 && isKept ? this.#usual : this.#write(status, isKept);
  }

  #write(status: number, isKept: boolean): string {
    return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${this.#date}${isKept ? KEPT : LAST}`;
  }
}

/** One line of a head. @throws GatewayError `INTERNAL` for what would end the line early, so that no value can add lines. */
export function fieldLine(name: string, value: string): string {
  const line = `${name}: ${value}`;
  if (UNFIT.test(line)) throw new GatewayError('INTERNAL', `Cannot send the header ${JSON.stringify(name)}`);
  return `${line}\r\n`;
}
