import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

interface Pair {
  client: Socket;
  server: Socket;
}

/** A TCP proxy between a service and a server that can inject network faults. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private readonly listener: Server;
  private stalled = false;
  private delay = 0;

  private constructor(private readonly target: number) {
    this.listener = createServer((client) => this.join(client));
  }

  static async before(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Resets all connections on both sides. @returns the number of connections */
  reset(): number {
    const { size } = this.pairs;
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    return size;
  }

  /** Holds back all data until `flow()`. */
  stall(): void {
    this.stalled = true;
    for (const { client, server } of this.pairs) for (const socket of [client, server]) socket.pause();
  }

  flow(): void {
    this.stalled = false;
    for (const { client, server } of this.pairs) for (const socket of [client, server]) socket.resume();
  }

  /** Delays all data. 0 ends the delay. */
  slow(milliseconds: number): void {
    this.delay = milliseconds;
  }

  /** Closes the server's side without notifying the client, whose data is then lost. */
  halfOpen(): void {
    for (const { client, server } of this.pairs) {
      client.unpipe(server);
      server.unpipe(client);
      client.removeAllListeners('data').on('data', () => undefined);
      server.removeAllListeners('close').destroy();
    }
  }

  async close(): Promise<void> {
    this.listener.close();
    this.reset();
    await once(this.listener, 'close');
  }

  private join(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const pair = { client, server };
    this.pairs.add(pair);
    const forward = (from: Socket, to: Socket) =>
      from.on('data', (data) => {
        const write = () => void (to.destroyed || to.write(data));
        if (this.delay > 0) setTimeout(write, this.delay);
        else write();
      });
    forward(client, server);
    forward(server, client);
    const ends: [Socket, Socket][] = [
      [client, server],
      [server, client],
    ];
    for (const [one, other] of ends) {
      one.setNoDelay(true);
      // Half-open connections must not keep a finished test process running.
      one.unref();
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        this.pairs.delete(pair);
      });
    }
    if (this.stalled) for (const socket of [client, server]) socket.pause();
  }
}
