/** A call that was refused: `status` and the problem's `code`. */
export class Refusal extends Error {
  constructor(call, status, problem) {
    const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
    super(`${call} → ${status} ${problem.code ?? ''} ${problem.detail ?? problem.title ?? ''} ${fields ?? ''}`.trim());
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

/** Speaks to the gateway as one person, or as nobody without a token. */
export class Api {
  constructor(url, token, userAgent) {
    this.url = url;
    this.token = token;
    this.userAgent = userAgent;
  }

  /** The same gateway as somebody else. */
  as = (token) => new Api(this.url, token);

  /** The same person with another device. */
  calledFrom = (userAgent) => new Api(this.url, this.token, userAgent);

  get = (path) => this.#send('GET', path);
  post = (path, body = {}) => this.#send('POST', path, JSON.stringify(body));
  put = (path, body = {}) => this.#send('PUT', path, JSON.stringify(body));
  patch = (path, body = {}) => this.#send('PATCH', path, JSON.stringify(body));
  delete = (path) => this.#send('DELETE', path);
  upload = (path, csv) => this.#send('POST', path, csv, 'text/csv');

  /** All of a list, page by page. */
  async all(path) {
    const items = [];
    let cursor;
    do {
      const query = new URLSearchParams({ limit: 200, ...(cursor && { cursor }) });
      const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  /** The code that a call is refused with; undefined when it succeeds. */
  async refusal(call) {
    try {
      await call;
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error.code ?? String(error.status);
      throw error;
    }
  }

  headers(more = {}) {
    return {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(this.userAgent && { 'user-agent': this.userAgent }),
      ...more,
    };
  }

  async #send(method, path, body, type = 'application/json') {
    const headers = this.headers(body !== undefined && { 'content-type': type });
    const response = await fetch(this.url + path, { method, headers, body });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const answer = text && isJson ? JSON.parse(text) : {};
    if (!response.ok) throw new Refusal(`${method} ${path}`, response.status, answer);
    return answer;
  }
}

/** Works through a list with a few at the same time, and gives the results in the list's order. */
export async function several(items, work, atOnce = 8) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

/** Asks until the answer will do. @throws Error naming what did not come, after so many milliseconds */
export async function until(what, ask, willDo, timeout = 10_000) {
  const giveUp = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (willDo(answer)) return answer;
    if (Date.now() > giveUp) throw new Error(`${what} did not come within ${timeout / 1000} s.`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** A moment as the API takes it. */
export const daysFromNow = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

/** A number that belongs to nobody: one of the reserved lines 555-0100 to 555-0199. */
export const phone = (areaCode, line) => `+1${areaCode}55501${String(line).padStart(2, '0')}`;
