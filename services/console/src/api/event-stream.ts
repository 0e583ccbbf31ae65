/** Milliseconds between attempts to reconnect; the last one repeats. */
const DELAYS = [500, 1_000, 2_000, 5_000, 10_000];

export type StreamState = 'connecting' | 'live' | 'interrupted' | 'ended';

export interface StreamOptions {
  /** The events that are listened to. */
  events: readonly string[];
  onEvent: (event: string, data: unknown) => void;
  onState?: (state: StreamState) => void;
}

/**
 * Reads server-sent events and reconnects with the id of the last one, for as long as it takes. A browser's own EventSource
 * gives up when the server answers with an error, as during a restart.
 * @returns a function that closes the stream
 */
export function openStream(url: string, { events, onEvent, onState = () => undefined }: StreamOptions): () => void {
  const closing = new AbortController();
  void read(url, events, onEvent, onState, closing.signal);
  return () => closing.abort();
}

async function read(
  url: string,
  events: readonly string[],
  onEvent: StreamOptions['onEvent'],
  onState: (state: StreamState) => void,
  signal: AbortSignal,
): Promise<void> {
  let lastId = '';
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) };
      const response = await fetch(url, { headers, signal });
      // The stream was read to its end before, or the session is over: reconnecting changes neither.
      if (response.status === 204 || response.status === 401 || response.status === 404) return onState('ended');
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      onState('live');
      for await (const message of messagesOf(response.body)) {
        attempt = 0;
        lastId = message.id || lastId;
        if (events.includes(message.event)) onEvent(message.event, JSON.parse(message.data));
      }
    } catch {
      // Also a lost connection: the next attempt goes on after the last event.
    }
    if (signal.aborted) return;
    onState('interrupted');
    await delay(DELAYS[Math.min(attempt, DELAYS.length - 1)]!, signal);
  }
}

interface Message {
  id: string;
  event: string;
  data: string;
}

async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop()!;
    for (const block of blocks) {
      const message = messageOf(block);
      if (message.data) yield message;
    }
  }
}

function messageOf(block: string): Message {
  const message: Message = { id: '', event: 'message', data: '' };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') message.data += value;
    else if (field === 'id' || field === 'event') message[field] = value;
  }
  return message;
}

const delay = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
