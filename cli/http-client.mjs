/** @import { Page, ProblemBody } from '#libs/contracts' */

/**
 * A server-sent event.
 * @typedef {{ id: string | undefined, type: string | undefined, data: unknown }} ServerSentEvent
 */

/** An unsuccessful response. `problem` is its body, empty if it was not JSON. */
export class HttpError extends Error {
  /**
   * @param {string} request method and path
   * @param {number} status
   * @param {Partial<ProblemBody>} problem
   */
  constructor(request, status, problem) {
    const fields = problem.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const parts = [`${request} → ${status}`, problem.code, problem.detail ?? problem.title, fields];
    super(parts.filter(Boolean).join(' '));
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

/** No response arrived in time. */
export class NoAnswerError extends Error {
  /**
   * @param {string} url the gateway's address
   * @param {string} request method and path
   * @param {number} timeout milliseconds
   */
  constructor(url, request, timeout) {
    super(`${url} did not answer within ${timeout / 1_000} s: ${request}`);
  }
}

/**
 * A client of the gateway. Every request carries the same token, or none. The caller declares the type of a response; it is
 * not checked here.
 */
export class HttpClient {
  /**
   * @param {string} url the gateway's address
   * @param {string} [token]
   * @param {string} [userAgent]
   * @param {number} [timeout] milliseconds to wait for an answer, other than a stream of events
   */
  constructor(url, token, userAgent, timeout) {
    this.url = url;
    this.token = token;
    this.userAgent = userAgent;
    this.timeout = timeout;
  }

  /**
   * A client of the same gateway with another token.
   * @template {string | undefined} T
   * @param {T} token
   * @returns {HttpClient & { token: T }}
   */
  withToken(token) {
    return Object.assign(new HttpClient(this.url, undefined, undefined, this.timeout), { token });
  }

  /**
   * The same client with another user agent.
   * @param {string} userAgent
   */
  withUserAgent(userAgent) {
    return new HttpClient(this.url, this.token, userAgent, this.timeout);
  }

  /**
   * @template T
   * @param {string} path
   * @returns {Promise<T>}
   */
  get(path) {
    return this.#send('GET', path);
  }

  /**
   * @template T
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<T>}
   */
  post(path, body = {}) {
    return this.#send('POST', path, JSON.stringify(body));
  }

  /**
   * @template T
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<T>}
   */
  put(path, body = {}) {
    return this.#send('PUT', path, JSON.stringify(body));
  }

  /**
   * @template T
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<T>}
   */
  patch(path, body = {}) {
    return this.#send('PATCH', path, JSON.stringify(body));
  }

  /**
   * @param {string} path
   * @returns {Promise<void>}
   */
  async delete(path) {
    await this.#send('DELETE', path);
  }

  /**
   * Sends a CSV file.
   * @template T
   * @param {string} path
   * @param {string} csv
   * @returns {Promise<T>}
   */
  upload(path, csv) {
    return this.#send('POST', path, csv, 'text/csv');
  }

  /**
   * Reads all pages of a list.
   * @template T
   * @param {string} path
   * @returns {Promise<T[]>}
   */
  async all(path) {
    /** @type {T[]} */
    const items = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      const query = new URLSearchParams({ limit: '200', ...(cursor && { cursor }) });
      /** @type {Page<T>} */
      const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  /**
   * Reads a stream of server-sent events until the server closes it.
   * @param {string} path
   * @param {string} lastEventId the stream begins after this event
   * @param {AbortSignal} [signal]
   * @returns {AsyncGenerator<ServerSentEvent, void>}
   */
  async *events(path, lastEventId, signal) {
    const headers = this.#headers({ accept: 'text/event-stream', 'last-event-id': lastEventId });
    const response = await fetch(this.url + path, { headers, signal });
    // The server has said everything after `lastEventId`, and the stream is over.
    if (response.status === 204) return;
    if (!response.ok || !response.body) throw new HttpError(`GET ${path}`, response.status, await readJson(response));
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
        // A block without data is a comment that keeps the connection open.
        if (fields.data !== undefined) yield { id: fields.id, type: fields.event, data: JSON.parse(fields.data) };
      }
    }
  }

  /**
   * Reads a file as it arrives. It may take longer than the timeout.
   * @param {string} path
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  async download(path) {
    const response = await fetch(this.url + path, { headers: this.#headers({}) });
    if (!response.ok || !response.body) throw new HttpError(`GET ${path}`, response.status, await readJson(response));
    return response.body;
  }

  /** @param {Record<string, string>} more */
  #headers(more) {
    return {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(this.userAgent && { 'user-agent': this.userAgent }),
      ...more,
    };
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} [body]
   */
  async #send(method, path, body, type = 'application/json') {
    const headers = this.#headers(body === undefined ? {} : { 'content-type': type });
    const { timeout, url } = this;
    const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
    try {
      const response = await fetch(url + path, { method, headers, body, signal });
      const answer = await readJson(response);
      if (!response.ok) throw new HttpError(`${method} ${path}`, response.status, answer);
      return answer;
    } catch (error) {
      // The query may contain an email address.
      if (timeout !== undefined && isTimeout(error))
        throw new NoAnswerError(url, `${method} ${path.split('?')[0]}`, timeout);
      throw error;
    }
  }
}

/** @param {unknown} error */
const isTimeout = (error) => error instanceof Error && error.name === 'TimeoutError';

/**
 * The body of an answer, or an empty object if it is not JSON.
 * @param {Response} response
 * @returns {Promise<any>} any: the caller of the client names the type
 */
async function readJson(response) {
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return text && isJson ? JSON.parse(text) : {};
}
