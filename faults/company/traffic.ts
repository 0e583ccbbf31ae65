import { Agent, request } from 'node:http';
import type { Company } from './company.js';

interface Request {
  method: string;
  path: string;
  body?: object;
}

/** The load during the departures: mostly reads, some writes. */
const REQUESTS: readonly ((n: number) => Request)[] = [
  () => ({ method: 'GET', path: '/v1/contacts?limit=20' }),
  () => ({ method: 'GET', path: '/v1/me' }),
  () => ({ method: 'GET', path: '/v1/live-chats?limit=20' }),
  (n) => ({ method: 'POST', path: '/v1/live-chats', body: { visitor: `Visitor ${n}` } }),
  () => ({ method: 'GET', path: '/v1/numbers?limit=20' }),
  () => ({ method: 'GET', path: '/v1/automations?limit=20' }),
  () => ({ method: 'GET', path: '/v1/departures?limit=20' }),
  (n) => ({ method: 'POST', path: '/v1/contacts', body: { externalId: `T-${n}`, name: 'Somebody new' } }),
  () => ({ method: 'GET', path: '/v1/webhooks?limit=20' }),
  () => ({ method: 'GET', path: '/v1/reports?limit=20' }),
];
const TICK_MS = 20;
/** Kept open, as a load balancer does, so that not every request opens a connection. */
const CONNECTIONS = 100;
const RESPONSE_TIMEOUT_MS = 20_000;
/** Access tokens are valid for five minutes. */
const TOKEN_AGE_MS = 180_000;

/** Why a request has no answer: the timeout, or the error of the connection. */
const causeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.name;

/** Sends requests at a fixed rate after a ramp-up, without waiting for answers. */
export class Traffic {
  /** Response times in milliseconds, in the order of the answers. */
  readonly durations: number[] = [];
  /** The number of unsuccessful requests, by request and status. */
  readonly failed = new Map<string, number>();
  /** The number of created rows that the API has confirmed. */
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
    private readonly rampUp: number,
  ) {}

  start(): void {
    const begun = performance.now();
    this.timer = setInterval(() => {
      const seconds = (performance.now() - begun) / 1_000;
      const due =
        this.perSecond * (seconds < this.rampUp ? seconds ** 2 / (2 * this.rampUp) : seconds - this.rampUp / 2);
      while (this.sent < due) this.send(this.sent++);
    }, TICK_MS);
  }

  /** Waits for every answer. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    this.agent.destroy();
  }

  /** The median response time of the last second’s requests, in milliseconds; Infinity before that. */
  get median(): number {
    const last = this.durations.slice(-this.perSecond).sort((a, b) => a - b);
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
    this.durations.push(performance.now() - started);
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
    const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
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
    if (!this.token || performance.now() - this.tokenFrom > TOKEN_AGE_MS) {
      this.token = this.company.signIn(this.company.owner);
      this.tokenFrom = performance.now();
    }
    return this.token;
  }
}
