import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

const KEEP_ALIVE_MS = 60_000;

/** Starts a connection. What arrives is given to `onRead`. */
export type Dial = (onRead: OnReadOpts) => Socket;

/**
 * Makes connections to one address. Both address families are tried, and certificates must be in order.
 * TLS is loaded on first use: it takes longer to load than all the rest of a client.
 */
export async function createDial(url: URL, certificates: string | undefined): Promise<Dial> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = url.protocol === 'https:';
  const address = {
    host,
    port: Number(url.port || (isSecure ? 443 : 80)),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    autoSelectFamily: true,
  };
  if (!isSecure) return (onread) => connectTcp({ ...address, onread });
  const { connect: connectTls } = await import('node:tls');
  const trust = {
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(certificates === undefined ? {} : { ca: certificates }),
  };
  // Node hands "onread" on to the socket, though its types do not say so.
  return (onread) => {
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = { ...address, ...trust, onread };
    return connectTls(options);
  };
}
