import { randomUUID } from 'node:crypto';
import type { Json } from '../api.js';

const PAUSE = 100;
const PATIENCE = 60_000;
/** Not an answer to the request: somebody on the way is away. */
const AWAY = [502, 503, 504];

/** A client that sends a request until it is answered, always with the same idempotency key. */
export class Stubborn {
  /** Requests that had to be sent again. */
  repeated = 0;

  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** @throws Error when the answer is a refusal, or there is none within a minute */
  async send<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      'content-type': 'application/json',
      ...(method !== 'GET' && { 'idempotency-key': randomUUID() }),
    };
    const begun = performance.now();
    const attempts: string[] = [];
    for (;;) {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      }).catch((error: Error) => error);
      if (response instanceof Response && response.ok) return (await response.json()) as T;
      const elapsed = Math.round(performance.now() - begun);
      attempts.push(`${elapsed} ms: ${response instanceof Response ? response.status : response.name}`);
      const away = !(response instanceof Response) || AWAY.includes(response.status);
      if (!away || elapsed > PATIENCE) throw new Error(`${method} ${path} → ${attempts.slice(-20).join(', ')}`);
      this.repeated += 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
