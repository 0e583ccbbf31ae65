import { HttpError } from '../../cli/http-client.mjs';

/**
 * The problem code that a call is refused with; undefined when it succeeds.
 * @param {Promise<unknown>} call
 */
export async function refusal(call) {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof HttpError) return error.code ?? String(error.status);
    throw error;
  }
}

/**
 * Calls `work` for every item, a few at the same time. The results are in the order of the items.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T, index: number) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function mapConcurrently(items, work, concurrency = 8) {
  /** @type {R[]} */
  const results = new Array(items.length);
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results;
}

/**
 * Repeats a request until the response is as wanted.
 * @template T
 * @param {string} what the subject of the error message
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => boolean} isWanted
 * @param {number} [timeout] in milliseconds
 * @throws Error on timeout
 */
export async function until(what, ask, isWanted, timeout = 10_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${timeout / 1000} s.`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/**
 * A time in the API's format.
 * @param {number} days
 */
export const daysFromNow = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

/**
 * A number reserved for examples: one of the lines 555-0100 to 555-0199.
 * @param {string} areaCode
 * @param {number} line 0 to 99
 */
export const phone = (areaCode, line) => `+1${areaCode}55501${String(line).padStart(2, '0')}`;
