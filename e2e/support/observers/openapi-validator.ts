import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Described {
  operationId: string;
  responses: Record<string, { content?: Record<string, unknown> }>;
}

export interface OpenApi {
  paths: Record<string, Record<string, Described>>;
}

interface Route extends Described {
  path: string;
  method: string;
  pattern: RegExp;
}

const escape = (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1');

/** An Ajv instance with the dialect of OpenAPI 3.1 and AsyncAPI 3. */
export function anAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, inlineRefs: false });
  addFormats.default(ajv);
  return ajv;
}

/** Validates every response of the API against its OpenAPI description. */
export class OpenApiValidator {
  /** Operations that have succeeded at least once, by id. */
  readonly seen = new Set<string>();
  /** Responses that do not match the description. */
  readonly faults: string[] = [];
  private readonly routes: Route[];
  private readonly ajv = anAjv();
  private readonly checks = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.ajv.addSchema(document, 'openapi');
    this.routes = Object.entries(document.paths)
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, described]) => ({
          ...described,
          path,
          method,
          pattern: patternOf(path),
        })),
      )
      // Paths with fewer parameters match first.
      .sort((one, other) => parameters(one) - parameters(other));
  }

  get operations(): string[] {
    return this.routes.map(({ operationId }) => operationId);
  }

  /** Returns a `fetch` that validates each response. */
  wrap(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (input, init) => {
      const response = await fetch(input, init);
      const { pathname } = new URL(String(input));
      await this.validate((init?.method ?? 'GET').toLowerCase(), pathname, response.clone());
      return response;
    };
  }

  private async validate(method: string, pathname: string, response: Response): Promise<void> {
    const route = this.routes.find((one) => one.method === method && one.pattern.test(pathname));
    if (!route) return void this.faults.push(`${method} ${pathname} is not described`);
    const fault = await this.faultOf(route, response);
    if (fault) this.faults.push(`${route.operationId} → ${response.status}: ${fault}`);
    else if (response.ok || response.status === 302) this.seen.add(route.operationId);
  }

  private async faultOf({ path, method, responses }: Route, response: Response): Promise<string | undefined> {
    const { status } = response;
    const key = String(status) in responses ? String(status) : `${String(status)[0]}XX`;
    const described = responses[key];
    if (!described) return 'this status is not described';
    const text = await response.text();
    if (!described.content) return text === '' ? undefined : 'no body is described';
    const mediaType = response.headers.get('content-type')?.split(';')[0] ?? '';
    if (!(mediaType in described.content)) return `${mediaType} is not described`;
    const body: unknown = mediaType.endsWith('json') ? JSON.parse(text) : text;
    const pointer = ['paths', path, method, 'responses', key, 'content', mediaType, 'schema'].map(escape).join('/');
    const check = this.checkAt(`openapi#/${pointer}`);
    return check(body) ? undefined : `${this.ajv.errorsText(check.errors)} in ${text.slice(0, 300)}`;
  }

  private checkAt(reference: string): ValidateFunction {
    const known = this.checks.get(reference) ?? this.ajv.compile({ $ref: encodeURI(reference) });
    this.checks.set(reference, known);
    return known;
  }
}

const parameters = ({ path }: Route) => path.split('{').length;

const patternOf = (path: string) =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/{\w+}/g, '[^/]+')}$`);
