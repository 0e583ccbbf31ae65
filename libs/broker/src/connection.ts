import { setTimeout as delay } from 'node:timers/promises';
import { connect, createInbox, errors, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { certificateFault } from '#libs/database';
import { endsWithin } from '#libs/jobs';

/** Injection token of the process's connection to NATS. */
export const NATS = Symbol('NATS');
/** Injection token of the connection for streams. Only identity has a separate one; elsewhere it is that of `NATS`. */
export const STREAMS = Symbol('STREAMS');
/** The user of identity's connection for streams has this after its name. */
const STREAMS_USER = '-streams';

interface NatsAddress {
  /** `nats://user:password@host:port` or `tls://…`; several servers of a cluster are separated by commas. */
  url: string;
  /** Certificates of the CAs that are trusted, in PEM format. With it, or `tls://…`, connections without TLS are refused. */
  ca?: string;
  /** The name in the server's list of connections. */
  name: string;
  /** Number of servers of a cluster that store each stream. Default: 1. */
  replicas?: number;
  /** Milliseconds between two pings. Default: 20,000. */
  pingIntervalMs?: number;
}

const PING_INTERVAL_MS = 20_000;
/** Unanswered pings after which a connection counts as lost: within a minute by default. */
const MAX_PINGS_OUT = 2;
/** Milliseconds that one attempt to connect may take. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds between two attempts before the first connection. */
const RETRY_MS = 400;

/**
 * Connects to NATS. Waits until a server is available and never gives up on reconnecting. The user and password of the
 * first address are used.
 * @throws UntrustedBrokerError if the server's certificate is not accepted
 */
export async function connectNats({
  url,
  ca,
  name,
  replicas = 1,
  pingIntervalMs = PING_INTERVAL_MS,
}: NatsAddress): Promise<NatsConnection> {
  const addresses = url.split(',').map((address) => new URL(address.trim()));
  const [first] = addresses;
  const user = decodeURIComponent(first?.username ?? '') || undefined;
  // A private inbox per user, because responses may contain access tokens.
  const inboxPrefix = user && `_INBOX_${user}`;
  const tls = ca !== undefined || first?.protocol === 'tls:' ? { ...(ca && { ca }) } : undefined;
  const nats = await connectFirst({
    name,
    servers: addresses.map(({ host }) => host),
    user,
    pass: decodeURIComponent(first?.password ?? '') || undefined,
    tls,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 300,
    // While a password is rotated, it may be refused for a moment.
    ignoreAuthErrorAbort: true,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: pingIntervalMs,
    maxPingOut: MAX_PINGS_OUT,
    ...(inboxPrefix && { inboxPrefix }),
  });
  links.set(nats, new Link(nats, replicas, inboxPrefix));
  return nats;
}

/** The broker cannot prove who it is. */
export class UntrustedBrokerError extends Error {}

/**
 * Tries until a server is available. The client's own `waitOnFirstConnect` would also wait, without a word, for a server whose
 * certificate will never be accepted.
 */
async function connectFirst(options: NodeConnectionOptions): Promise<NatsConnection> {
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      const fault = certificateFault(error);
      if (fault) throw new UntrustedBrokerError(fault, { cause: error });
      if (error instanceof errors.InvalidArgumentError) throw error;
      await delay(RETRY_MS);
    }
  }
}

/**
 * Connects to the account that holds the streams, as the user `<user>-streams` with the same password. A broker without users
 * has one account: then there is no second connection.
 */
export async function connectStreams(nats: NatsConnection, { url, ...address }: NatsAddress): Promise<NatsConnection> {
  const addresses = url.split(',').map((one) => new URL(one.trim()));
  const [first] = addresses;
  if (!first?.username) return nats;
  first.username += STREAMS_USER;
  return connectNats({ ...address, url: addresses.map(({ href }) => href).join(',') });
}

/** A new subject for responses, private to this connection. */
export const newInbox = (nats: NatsConnection): string => createInbox(links.get(nats)?.inboxPrefix);

/**
 * Inboxes, and the subjects that the broker makes up for requests from another account. No service listens on the former besides
 * for answers, and no client can name the latter, so an answer cannot become a call, an event or a request to JetStream.
 */
const REPLY_ADDRESS = /^(_INBOX[._]|_R_\.)/;

/** Whether the reply subject of a request is the caller's inbox. Other requests are not answered. */
export const isReplyAddress = (reply: string | undefined): boolean => reply !== undefined && REPLY_ADDRESS.test(reply);

/** Whether the connection is currently up. */
export const isConnected = (nats: NatsConnection): boolean => !nats.isClosed() && (links.get(nats)?.up ?? true);

/** The number of servers that store streams created through this connection. */
export const replicasOf = (nats: NatsConnection): number => links.get(nats)?.replicas ?? 1;

/**
 * Waits until the connection is up, for at most this many milliseconds. Senders should call it first: a message that is
 * published while the connection is down is lost on reconnect.
 * @returns whether the connection is up
 */
export async function whenConnected(nats: NatsConnection, timeoutMs: number): Promise<boolean> {
  const link = links.get(nats);
  if (link && !isConnected(nats)) await link.change(timeoutMs);
  return isConnected(nats);
}

/** Sends buffered data and closes. An unavailable server delays it by at most a second. */
export async function closeNats(nats: NatsConnection): Promise<void> {
  if (nats.isClosed()) return;
  // Owners of lost data send it again: calls time out, events stay in the outbox.
  const drained = nats.drain().catch(() => undefined);
  await endsWithin(drained, 1_000);
  await nats.close();
}

/** Tracks the state of a connection, because the client library only reports changes. */
class Link {
  up = true;
  private readonly waiting = new Set<() => void>();

  constructor(
    nats: NatsConnection,
    readonly replicas: number,
    readonly inboxPrefix: string | undefined,
  ) {
    // If the reports fail, the state is unknown and the connection counts as up: sending then fails on its own.
    this.watch(nats).catch(() => this.changed(true));
  }

  change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.waiting.add(done);
    });
  }

  private async watch(nats: NatsConnection): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect') this.up = false;
      if (type === 'reconnect' || type === 'close') this.changed(this.up || type === 'reconnect');
    }
  }

  private changed(up: boolean): void {
    this.up = up;
    for (const done of [...this.waiting]) done();
  }
}

const links = new WeakMap<NatsConnection, Link>();
