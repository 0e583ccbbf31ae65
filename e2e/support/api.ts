/** A JSON object of the REST API. */
export type Json = Record<string, unknown>;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: Json,
    call: string,
  ) {
    super(`${call} → ${status} ${JSON.stringify(body)}`);
  }
}

/** Calls the API as one user. @throws ApiError for every unsuccessful response */
export class Api {
  constructor(
    private readonly url: string,
    readonly token?: string,
  ) {}

  get = <T = Json>(path: string) => this.send<T>('GET', path);
  post = <T = Json>(path: string, body: unknown = {}) => this.send<T>('POST', path, body);
  put = <T = Json>(path: string, body: unknown = {}) => this.send<T>('PUT', path, body);
  patch = <T = Json>(path: string, body: unknown = {}) => this.send<T>('PATCH', path, body);
  delete = <T = Json>(path: string) => this.send<T>('DELETE', path);

  /** Uploads a CSV file. */
  upload = <T = Json>(path: string, csv: string) => this.send<T>('POST', path, csv, 'text/csv');

  /** The problem of a refused call, with its `status` and `code`. @throws Error if the call succeeds */
  async refusal(call: Promise<unknown>): Promise<Json> {
    try {
      await call;
    } catch (error) {
      if (error instanceof ApiError) return { ...error.body, status: error.status };
      throw error;
    }
    throw new Error('the call was not refused');
  }

  /** All items of a list, page by page. */
  async all<T = Json>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: T[]; nextCursor: string | null } = await this.get(
        `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor ? `&cursor=${cursor}` : ''}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  /** Downloads a file. */
  async download(path: string): Promise<Buffer> {
    const response = await this.request('GET', path);
    if (!response.ok) throw new ApiError(response.status, (await response.json()) as Json, `GET ${path}`);
    return Buffer.from(await response.arrayBuffer());
  }

  private async send<T>(method: string, path: string, body?: unknown, type = 'application/json'): Promise<T> {
    const response = await this.request(method, path, body, type);
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Json;
    if (!response.ok) throw new ApiError(response.status, answer, `${method} ${path}`);
    return answer as T;
  }

  private request(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': type }),
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
  }
}
