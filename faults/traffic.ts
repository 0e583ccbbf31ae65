import { Agent, request } from 'node:http';
import type { Company } from './company.js';

interface Request {
  method: string;
  path: string;
  body?: object;
}

/** What keeps coming while others leave: mostly people who look, some who write. */
const REQUESTS: readonly ((n: number) => Request)[] = [
  () => ({ method: 'GET', path: '/v1/contacts?limit=20' }),
  () => ({ method: 'GET', path: '/v1/me' }),
  () => ({ method: 'GET', path: '/v1/live-chats?limit=20' }),
  (n) => ({ method: 'POST', path: '/v1/live-chats', body: { visitor: `Visitor ${n}` } }),
  () => ({ method: 'GET', path: '/v1/numbers?limit=20' }),
  () => ({ method: 'GET', path: '/v1/automations?limit=20' }),
  // Each of them tells what has become of every rule: some thirty kilobytes.
  () => ({ method: 'GET', path: '/v1/departures?limit=5' }),
  (n) => ({ method: 'POST', path: '/v1/contacts', body: { externalId: `T-${n}`, name: 'Somebody new' } }),
  () => ({ method: 'GET', path: '/v1/webhooks?limit=20' }),
  () => ({ method: 'GET', path: '/v1/reports?limit=20' }),
];
const TICK = 20;
/** As a load balancer keeps them: requests of one moment don't each open a connection of their own. */
const CONNECTIONS = 100;
const ANSWER_LIMIT = 20_000;
/** Milliseconds after which a new access token is taken; they live five minutes. */
const TOKEN_AGE = 180_000;

/** Of a request without an answer: that it was given up, or what is the matter with the connection. */
const causeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.name;

/** So many requests a second, after a while in which they become so many, whether or not the ones before have been answered. */
export class Traffic {
  /** Milliseconds until the answer, in the order of the answers. */
  readonly took: number[] = [];
  /** How often something has been answered otherwise than with success, by what and how. */
  readonly failed = new Map<string, number>();
  /** Of things that were made, as far as the API has confirmed it. */
  readonly confirmed = { chats: 0, contacts: 0 };
  private readonly open = new Set<Promise<void>>();
  private readonly agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  private timer?: NodeJS.Timeout;
  private token?: Promise<string>;
  private tokenFrom = 0;
  private sent = 0;

  constructor(
    private readonly company: Company,
    private readonly perSecond: number,
    /** Seconds. */
    private readonly runUp: number,
  ) {}

  start(): void {
    const begun = performance.now();
    this.timer = setInterval(() => {
      const seconds = (performance.now() - begun) / 1_000;
      const due = this.perSecond * (seconds < this.runUp ? seconds ** 2 / (2 * this.runUp) : seconds - this.runUp / 2);
      while (this.sent < due) this.send(this.sent++);
    }, TICK);
  }

  /** Waits for every answer. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    this.agent.destroy();
  }

  /** Milliseconds that half of the last requests took at most. */
  get median(): number {
    const last = this.took.slice(-this.perSecond).sort((a, b) => a - b);
    return last.length < this.perSecond ? Infinity : last[last.length >> 1]!;
  }

  private send(n: number): void {
    const answered = this.ask(n).finally(() => this.open.delete(answered));
    this.open.add(answered);
  }

  private async ask(n: number): Promise<void> {
    const { method, path, body } = REQUESTS[n % REQUESTS.length]!(n);
    const started = performance.now();
    const status = await this.statusOf(method, path, body).catch(causeOf);
    this.took.push(performance.now() - started);
    if (status === 200 || status === 201) {
      if (status === 201) this.confirmed[path.includes('chats') ? 'chats' : 'contacts'] += 1;
      return;
    }
    const what = `${method} ${path.split('?')[0]} ${status}`;
    this.failed.set(what, (this.failed.get(what) ?? 0) + 1);
  }

  private async statusOf(method: string, path: string, body?: object): Promise<number> {
    const headers = {
      authorization: `Bearer ${await this.accessToken()}`,
      ...(body && { 'content-type': 'application/json' }),
    };
    const signal = AbortSignal.timeout(ANSWER_LIMIT);
    return new Promise((resolve, reject) => {
      const asked = request(`${this.company.url}${path}`, { method, headers, agent: this.agent, signal }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode!));
        answer.once('error', reject);
      });
      asked.once('error', reject);
      asked.end(body && JSON.stringify(body));
    });
  }

  private accessToken(): Promise<string> {
    if (!this.token || performance.now() - this.tokenFrom > TOKEN_AGE) {
      this.token = this.company.signIn(this.company.owner);
      this.tokenFrom = performance.now();
    }
    return this.token;
  }
}
