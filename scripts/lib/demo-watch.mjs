const FINAL = ['completed', 'failed', 'superseded', 'cancelled'];
const PATIENCE = 30_000;

/**
 * Follows a departure by its server-sent events, and goes on after the last one seen if the stream breaks off.
 * @param onEvent gets `{ type, data, elapsed }`; `elapsed` in milliseconds
 * @returns the departure when it is over
 */
export async function watch(api, departure, onEvent) {
  const path = `/v1/departures/${departure.id}`;
  const begun = performance.now();
  const giveUp = AbortSignal.timeout(PATIENCE);
  let lastId = '0';
  for (;;) {
    for await (const { id, type, data } of events(api, `${path}/events`, lastId, giveUp)) {
      lastId = id ?? lastId;
      onEvent({ type, data, elapsed: performance.now() - begun });
    }
    const now = await api.get(path);
    if (FINAL.includes(now.status)) return now;
    giveUp.throwIfAborted();
  }
}

async function* events(api, path, lastId, signal) {
  const headers = api.headers({ accept: 'text/event-stream', 'last-event-id': lastId });
  const response = await fetch(api.url + path, { headers, signal });
  if (!response.ok) throw new Error(`GET ${path} → ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    yield* blocks.map(parse).filter(({ data }) => data !== undefined);
  }
}

/** One event; a block without data is a comment that keeps the line open. */
function parse(block) {
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
  return { id: fields.id, type: fields.event, data: fields.data && JSON.parse(fields.data) };
}
