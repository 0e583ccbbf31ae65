import { randomUUID } from 'node:crypto';
import type { Json } from '../support/api.js';

/** Milliseconds. */
const RETRY_DELAY = 100;
const RETRY_TIMEOUT = 60_000;
const REQUEST_TIMEOUT = 10_000;
/** The gateway, a service or the proxy is unavailable. */
const UNAVAILABLE = [502, 503, 504];

/** Repeats a request with the same idempotency key until it is answered. */
export class RetryingClient {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** @throws Error if the request is refused, or not answered within a minute */
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
        signal: AbortSignal.timeout(REQUEST_TIMEOUT),
      }).catch((error: Error) => error);
      if (response instanceof Response && response.ok) return (await response.json()) as T;
      const elapsed = Math.round(performance.now() - begun);
      attempts.push(`${elapsed} ms: ${response instanceof Response ? response.status : response.name}`);
      const unavailable = !(response instanceof Response) || UNAVAILABLE.includes(response.status);
      if (!unavailable || elapsed > RETRY_TIMEOUT)
        throw new Error(`${method} ${path} → ${attempts.slice(-20).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    }
  }
}
