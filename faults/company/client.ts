import { setTimeout as pause } from 'node:timers/promises';

export interface Answer {
  /** 0 if there was no answer. */
  status: number;
  body: Record<string, unknown>;
}

interface Request {
  token?: string;
  method: string;
  path: string;
  body?: unknown;
  key?: string;
  type?: string;
}

const RETRY_TIMEOUT_MS = 45_000;
const RESPONSE_TIMEOUT_MS = 8_000;
const RETRY_DELAY_MS = 150;

/**
 * Sends a request and repeats it with the same idempotency key while there is no answer, or status 429 or 5xx. Returns the
 * last answer after the timeout.
 */
export async function requestWithRetries(url: string, request: Request): Promise<Answer> {
  const deadline = performance.now() + RETRY_TIMEOUT_MS;
  for (;;) {
    const answer = await send(url, request).catch((): Answer => ({ status: 0, body: {} }));
    const definite = answer.status !== 0 && answer.status < 500 && answer.status !== 429;
    if (definite || performance.now() > deadline) return answer;
    await pause(RETRY_DELAY_MS);
  }
}

async function send(
  url: string,
  { token, method, path, body, key, type = 'application/json' }: Request,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': type }),
      ...(key && { 'idempotency-key': key }),
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}
