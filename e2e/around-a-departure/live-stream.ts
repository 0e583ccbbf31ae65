import type { Json } from '../support/api.js';

export interface LiveEvent {
  id: string;
  name: string;
  data: Json;
}

/** Server-sent events of a departure, as a browser reads them. */
export class LiveStream {
  readonly events: LiveEvent[] = [];
  /** Whether the server has ended the stream. */
  ended = false;
  private readonly stop = new AbortController();

  private constructor() {}

  /** @param after id of the last event that has been received on another connection */
  static async open(url: string, token: string, departureId: string, after?: string): Promise<LiveStream> {
    const stream = new LiveStream();
    const response = await fetch(`${url}/v1/departures/${departureId}/events`, {
      headers: { authorization: `Bearer ${token}`, ...(after && { 'last-event-id': after }) },
      signal: stream.stop.signal,
    });
    if (!response.ok) throw new Error(`no progress: ${response.status}`);
    // Nothing follows the last event that was received.
    stream.ended = response.status === 204;
    if (stream.ended) return stream;
    void stream.read(response.body!.pipeThrough(new TextDecoderStream())).catch(() => undefined);
    return stream;
  }

  /** Aborts the connection, like a client that loses its network. */
  breakOff(): void {
    this.stop.abort();
  }

  private async read(pieces: ReadableStream<string>): Promise<void> {
    let text = '';
    for await (const piece of pieces) {
      const blocks = (text + piece).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) if (block.includes('event:')) this.events.push(eventOf(block));
    }
    this.ended = true;
  }
}

function eventOf(block: string): LiveEvent {
  const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)![1]!;
  return { id: field('id'), name: field('event'), data: JSON.parse(field('data')) as Json };
}
