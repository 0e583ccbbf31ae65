import type { FastifyReply } from 'fastify';
import { once } from 'node:events';

/** Milliseconds after which a client that does not read is disconnected. */
const STALL_MS = 60_000;

/** A response of server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class EventStream {
  private constructor(
    private readonly reply: FastifyReply,
    private readonly stallMs: number,
  ) {}

  static open(reply: FastifyReply, { stallMs = STALL_MS } = {}): EventStream {
    reply.hijack();
    // Tells proxies not to buffer the stream.
    reply.raw.writeHead(200, {
      ...headersOf(reply),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    reply.raw.flushHeaders();
    return new EventStream(reply, stallMs);
  }

  get closed(): boolean {
    return this.reply.raw.destroyed || this.reply.raw.writableEnded;
  }

  onClose(listener: () => void): void {
    this.reply.raw.once('close', listener);
  }

  /** Sends one event. Waits while the client is slow to read, and disconnects one that reads nothing for a minute. */
  async send(id: number, type: string, data: unknown): Promise<void> {
    await this.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Sends a comment, so that proxies do not close the connection as idle. */
  async beat(): Promise<void> {
    await this.write(': still here\n\n');
  }

  end(): void {
    this.reply.raw.end();
  }

  private async write(text: string): Promise<void> {
    const { raw } = this.reply;
    if (this.closed || raw.write(text)) return;
    const stop = new AbortController();
    const gone = () => stop.abort();
    raw.once('close', gone);
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(this.stallMs)]);
    // The client has disconnected or does not read; `closed` reports it.
    await once(raw, 'drain', { signal }).catch(() => raw.destroy());
    raw.off('close', gone);
  }
}

const headersOf = (reply: FastifyReply) =>
  Object.fromEntries(Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
