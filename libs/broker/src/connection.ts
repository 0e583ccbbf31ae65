import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { endsWithin } from '#libs/jobs';

/** Injection token of the process' one connection to NATS. */
export const NATS = Symbol('NATS');

interface NatsAddress {
  /** `nats://user:password@host:port`, or `tls://`; several servers of a cluster separated by commas. */
  url: string;
  /** Shown in the server's list of connections. */
  name: string;
  /** On how many servers of a cluster each stream is kept; 1 unless given. */
  replicas?: number;
}

/**
 * Connects to NATS, however long it takes until a server is there, and never gives up on reconnecting.
 * User and password are those of the first address.
 */
export async function connectNats({ url, name, replicas = 1 }: NatsAddress): Promise<NatsConnection> {
  const addresses = url.split(',').map((address) => new URL(address.trim()));
  const [first] = addresses;
  const user = decodeURIComponent(first?.username ?? '') || undefined;
  // Where nobody else may listen: what comes there can be an access token.
  const inboxPrefix = user && `_INBOX_${user}`;
  const nats = await connect({
    name,
    servers: addresses.map(({ host }) => host),
    user,
    pass: decodeURIComponent(first?.password ?? '') || undefined,
    tls: first?.protocol === 'tls:' ? {} : undefined,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 300,
    // A password that is being rotated is wrong for a moment, not for ever.
    ignoreAuthErrorAbort: true,
    pingInterval: 20_000,
    ...(inboxPrefix && { inboxPrefix }),
  });
  links.set(nats, new Link(nats, replicas, inboxPrefix));
  return nats;
}

/** A subject of the connection's own for answers. */
export const newInbox = (nats: NatsConnection): string => createInbox(links.get(nats)?.inboxPrefix);

/** Whether the connection is up at this moment. */
export const isConnected = (nats: NatsConnection): boolean => !nats.isClosed() && (links.get(nats)?.up ?? true);

/** On how many servers the streams are kept that are made through this connection. */
export const replicasOf = (nats: NatsConnection): number => links.get(nats)?.replicas ?? 1;

/**
 * Waits until the connection is up, for so many milliseconds at most. Whoever sends something should: what is published
 * while the connection is down gets lost when it comes back.
 * @returns whether it is up
 */
export async function whenConnected(nats: NatsConnection, patience: number): Promise<boolean> {
  const link = links.get(nats);
  if (link && !isConnected(nats)) await link.change(patience);
  return isConnected(nats);
}

/** Sends what is still buffered and closes; a server that is away holds it up for a second at most. */
export async function closeNats(nats: NatsConnection): Promise<void> {
  if (nats.isClosed()) return;
  // What a lost connection still buffered is sent again by its owner: calls time out, events stay in the outbox.
  const drained = nats.drain().catch(() => undefined);
  await endsWithin(drained, 1_000);
  await nats.close();
}

/** What we know of a connection: the client library reports changes of it and doesn't tell the state. */
class Link {
  up = true;
  private readonly waiting = new Set<() => void>();

  constructor(
    nats: NatsConnection,
    readonly replicas: number,
    readonly inboxPrefix: string | undefined,
  ) {
    // Without reports the state is unknown, and the connection counts as up: sending then fails by itself.
    this.watch(nats).catch(() => this.changed(true));
  }

  change(patience: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patience);
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
