import { connect } from 'node:net';
import { HttpReader } from './http-reader.mjs';

/** One kept-alive connection with one exchange at a time. */
export class HttpConnection {
  #socket;
  #waiting;
  #address;

  constructor({ host, port }) {
    this.#address = { host, port };
  }

  /**
   * Sends a complete request and resolves with its answer. Opens the connection when there is none.
   * @param {string | Buffer} request Head and body.
   * @param {number} [timeoutMs] Default 30,000.
   */
  exchange(request, timeoutMs = 30_000) {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== undefined) throw new Error('One exchange at a time');
      this.#waiting = { resolve, reject, endsAt: performance.now() + timeoutMs };
      watch(this);
      this.#socket ??= this.#open();
      this.#socket.write(request);
    });
  }

  close() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#settle((waiting) => waiting.reject(new Error('The connection was closed')));
  }

  /** Called now and then while an exchange is under way. */
  checkTime(now) {
    if (this.#waiting !== undefined && this.#waiting.endsAt < now) {
      this.#settle((waiting) => waiting.reject(new Error('No answer in time')));
      this.close();
    }
  }

  #open() {
    const socket = connect({ ...this.#address, noDelay: true });
    const reader = new HttpReader((answer) => {
      if (answer.status === 100) return;
      if (answer.header('connection')?.toLowerCase() === 'close') this.#drop(socket);
      this.#settle((waiting) => waiting.resolve(answer));
    });
    socket.on('data', (bytes) => reader.push(bytes));
    socket.on('error', (error) => this.#settle((waiting) => waiting.reject(error)));
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#settle((waiting) => waiting.reject(new Error('The server closed the connection')));
    });
    return socket;
  }

  #drop(socket) {
    this.#socket = undefined;
    socket.destroy();
  }

  #settle(with_) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    unwatch(this);
    if (waiting !== undefined) with_(waiting);
  }
}

// One timer for all exchanges is cheaper than one each.
const watched = new Set();
let timer;

function watch(connection) {
  watched.add(connection);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const entry of watched) entry.checkTime(now);
  }, 250).unref();
}

function unwatch(connection) {
  watched.delete(connection);
}
