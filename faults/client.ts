import { setTimeout as pause } from 'node:timers/promises';

export interface Answer {
  /** 0 when nobody ever answered. */
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

const PATIENCE = 45_000;
const ANSWER_LIMIT = 8_000;
const PAUSE = 150;

/**
 * Asks until somebody answers, as a careful client does: the same request with the same idempotency key, for as long as
 * the trouble is on the other side.
 */
export async function insist(url: string, request: Request): Promise<Answer> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask(url, request).catch((): Answer => ({ status: 0, body: {} }));
    const definite = answer.status !== 0 && answer.status < 500 && answer.status !== 429;
    if (definite || performance.now() > deadline) return answer;
    await pause(PAUSE);
  }
}

async function ask(
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
    signal: AbortSignal.timeout(ANSWER_LIMIT),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}
