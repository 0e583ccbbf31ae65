import { Ending, EXIT } from './ending.mjs';

const OVER = ['completed', 'failed', 'superseded', 'cancelled'];
const AGAIN_AFTER = 500;
/** Milliseconds that the gateway may be away. */
const PATIENCE = 60_000;

const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

/**
 * Follows a departure to its end by its server-sent events, also over a gateway that restarts: a bar on a terminal,
 * elsewhere a line for each event.
 * @returns the departure when it is over, or at once when it has not begun
 */
export async function follow(api, id, say) {
  const path = `/v1/departures/${id}`;
  let departure = await api.get(path);
  const progress = new ProgressLine(say, departure.progress);
  let lastId = '0';
  let awaySince;
  while (!OVER.includes(departure.status) && departure.status !== 'scheduled') {
    try {
      for await (const event of events(api, `${path}/events`, lastId)) {
        lastId = event.id ?? lastId;
        awaySince = undefined;
        progress.show(event);
      }
      departure = await api.get(path);
    } catch (error) {
      if (isRefusal(error)) throw error;
      awaySince ??= performance.now();
      if (performance.now() - awaySince > PATIENCE) throw error;
      await pause(AGAIN_AFTER);
    }
  }
  progress.end();
  return departure;
}

const isRefusal = (error) => error instanceof Ending || (error.status !== undefined && error.status < 500);

class ProgressLine {
  constructor(say, { done, total }) {
    this.say = say;
    this.at = { done, total };
    this.doing = '';
  }

  show({ type, data }) {
    if (type === 'departure') this.at = data.progress;
    else
      this.doing = type === 'rule' ? `${data.rule} ${data.action} ${data.affected}` : `${data.service} ${data.status}`;
    if (this.say.isTerminal) this.say.overwrite(`  ${this.say.bar(this.at.done, this.at.total)}  ${this.doing}`);
    else this.say.line(type === 'departure' ? `${this.at.done}/${this.at.total} ${data.status}` : this.doing);
  }

  end() {
    if (this.say.isTerminal) this.say.overwrite('');
  }
}

async function* events(api, path, lastId) {
  const headers = api.headers({ accept: 'text/event-stream', 'last-event-id': lastId });
  const response = await fetch(api.url + path, { headers });
  if (response.status === 401) throw new Ending(EXIT.unreachable, 'The token is not accepted any more.');
  if (!response.ok) throw new Error(`GET ${path} → ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
      // A block without data only keeps the line open.
      if (fields.data !== undefined) yield { id: fields.id, type: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
