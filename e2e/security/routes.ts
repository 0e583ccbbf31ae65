/** A JSON Schema in the OpenAPI document. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

interface Described {
  operationId: string;
  tags: string[];
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema> };
}

/** One operation of the OpenAPI document. */
export interface Route {
  id: string;
  method: string;
  /** The path, with `{name}` for parameters. */
  path: string;
  /** The kind of token that it takes. */
  takes: 'nothing' | 'user' | 'scim';
  /** Names of the path parameters. */
  params: string[];
  query: Parameter[];
  body?: { mediaType: string; schema: Schema; example: unknown };
  /** The schema of the successful response, if that is JSON. */
  answer?: Schema;
  /** As described: `200`, `4XX`. */
  statuses: readonly string[];
}

/** All operations in the gateway's OpenAPI document. */
export class Routes {
  private constructor(
    readonly all: readonly Route[],
    private readonly schemas: Record<string, Schema>,
  ) {}

  static async of(url: string): Promise<Routes> {
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => routeOf(path, method, described)),
    );
    return new Routes(all, document.components.schemas);
  }

  /** Resolves references, and takes the first of several alternatives. */
  resolve(schema: Schema): Schema {
    if (schema.$ref) return this.resolve(this.schemas[schema.$ref.split('/').at(-1)!]!);
    const [choice] = schema.anyOf ?? schema.oneOf ?? [];
    return choice ? this.resolve(choice) : schema;
  }
}

function routeOf(path: string, method: string, { operationId, security, parameters = [], ...more }: Described): Route {
  const [body] = Object.entries(more.requestBody?.content ?? {});
  const success = Object.entries(more.responses).find(([status]) => status.startsWith('2'))?.[1];
  const answer = success?.content?.['application/json']?.schema;
  return {
    id: operationId,
    method: method.toUpperCase(),
    path,
    takes: security === undefined ? 'user' : security.some((one) => 'scim' in one) ? 'scim' : 'nothing',
    params: [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name!),
    query: parameters.filter((parameter) => parameter.in === 'query'),
    ...(body && { body: { mediaType: body[0], schema: body[1].schema, example: body[1].example } }),
    ...(answer && { answer }),
    statuses: Object.keys(more.responses),
  };
}
