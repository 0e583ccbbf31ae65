import fc from 'fast-check';
import { meaningOf, withValue, type Place } from './bodies.js';
import type { Route, Routes, Schema } from './routes.js';

/** JSON that no serializer writes. A body contains the name of one until it is converted to text. */
const RAW: Record<string, string> = {
  '@deep list@': '['.repeat(20_000) + ']'.repeat(20_000),
  '@deep object@': '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000),
  '@prototype@': '{"__proto__":{"roles":["owner"]}}',
  '@constructor@': '{"constructor":{"prototype":{"roles":["owner"]}}}',
  '@infinite@': '1e999',
  '@many digits@': '123456789012345678901234567890.123456789',
  '@escaped null@': '"a\\u0000b"',
  '@half a character@': '"\\ud83d"',
};
const TEXTS = [
  '',
  ' ',
  'Ærøskøbing 😀',
  '\u202egnihton',
  'a\u0000b',
  '\ud800',
  '\n\r\t',
  "'; drop table users; --",
  '%s%n{{7*7}}',
  '=1+1',
  'x'.repeat(201),
  'x'.repeat(50_000),
];
const MOMENTS = [
  '2026-03-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-W09-1T00:00:00Z',
  '2026-060T00:00:00Z',
  '2026-03-01T24:00:00Z',
  '2026-03-01T23:59:60Z',
  '2026-03-01T10Z',
  '20260301T100000Z',
  '2026-03-01T00:00:00,123456789Z',
  '2026-03-01T00:00:00+23:59',
  '2026-03-01',
];
const NUMBERS = [0, -1, 1, 1.5, 2 ** 31, 2 ** 31 - 1, 2 ** 53 - 1, 2 ** 63, 1e21, 1e308, -1e308, 5e-324];
const OTHERS = [null, true, [], {}, [null], [[]], { a: { b: null } }, [{ id: 1 }]];

const nonsense: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...Object.keys(RAW)),
  fc.constantFrom<unknown>(...TEXTS, ...MOMENTS, ...NUMBERS, ...OTHERS),
  fc.jsonValue({ maxDepth: 3 }),
);

const UUID = '019b3c5e-7a10-7c44-9d2e-5f60718293a4';
/** Values for fields with a pattern. */
const FITTING = ['+14155550100', 'maya-okafor', 'A1', 'me', 'none', 'USD', '2026-03-02', 'contact.created', '*', 'x.y'];
const EMAILS = ['ada@example.com', 'ADA@EXAMPLE.COM', 'a+b@xn--bcher-kva.example', '"a b"@example.com'];
const URLS = [
  'https://example.com/x',
  'http://example.com:1/?a=%00',
  'https://[2606:4700::1111]/',
  'HTTPS://EXAMPLE.COM',
];

/** Generates requests that the API's description allows, and others that it does not. */
export class Nonsense {
  constructor(
    private readonly routes: Routes,
    private readonly things: ReadonlyMap<string, string>,
  ) {}

  /** Bodies as text: valid, wrong in one or two fields, or completely wrong. */
  bodiesFor(route: Route): fc.Arbitrary<string> {
    const { body } = route;
    if (!body) return fc.constant('');
    const right = body.mediaType.endsWith('json')
      ? this.like(body.schema, route.id)
      : fc.constantFrom('a,b\n1,2', ...TEXTS);
    if (!body.mediaType.endsWith('json')) return right as fc.Arbitrary<string>;
    const places = this.placesIn(body.schema);
    const wrong = fc
      .tuple(right, fc.array(fc.tuple(fc.constantFrom(...places), nonsense), { minLength: 1, maxLength: 2 }))
      .map(([value, changes]) => changes.reduce((changed, [place, bad]) => put(changed, place, bad), value));
    return fc.oneof(
      { weight: 4, arbitrary: right.map(textOf) },
      { weight: 10, arbitrary: wrong.map(textOf) },
      { weight: 1, arbitrary: nonsense.map(textOf) },
      { weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '[]', '"', '{"a":1,"a":2}', '\u0000', '\ufeff{}') },
    );
  }

  /** A query string with its question mark, or an empty string. */
  queriesFor({ query, id }: Route): fc.Arbitrary<string> {
    const known = query.map(({ name, schema }) =>
      fc.oneof(this.like(schema, id, name), nonsense).map((value) => `${name}=${inAddress(value)}`),
    );
    const odd = fc.constantFrom(
      'unknown=1',
      'limit=1&limit=2',
      '__proto__=1',
      'a[b]=c',
      'cursor=%ff',
      'cursor=e30',
      '=&&=',
    );
    return fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      ...known.map((arbitrary) => ({ weight: 3, arbitrary: arbitrary.map((text) => `?${text}`) })),
      { weight: 1, arbitrary: odd.map((text) => `?${text}`) },
    );
  }

  /** The path with existing ids, unknown ids, and invalid ids. */
  pathsFor({ path }: Route): fc.Arbitrary<string> {
    const steps = path.split('/').map((step, at, all) => {
      if (!step.startsWith('{')) return fc.constant(step);
      const thing = this.things.get(all.slice(0, at).join('/')) ?? UUID;
      const others = fc.constantFrom(UUID, UUID.toUpperCase(), 'x', '%00', 'a%0d%0ab', '%F0%9F%98%80', 'x'.repeat(101));
      return fc.oneof({ weight: 8, arbitrary: fc.constant(thing) }, { weight: 2, arbitrary: others });
    });
    return fc.tuple(...steps).map((found) => found.join('/'));
  }

  private like(given: Schema, where: string, name = ''): fc.Arbitrary<unknown> {
    const schema = this.routes.resolve(given);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const within = (inner: Schema, key = name) => this.like(inner, where, key);
    switch ([schema.type].flat()[0]) {
      case 'object':
        return this.object(schema, within);
      case 'array':
        return fc.array(within(schema.items ?? {}), { maxLength: Math.min(schema.maxItems ?? 3, 3) });
      case 'string':
        return this.text(schema, where, name);
      case 'integer':
        return fc.oneof(fc.constantFrom(schema.minimum ?? 0, schema.maximum ?? 100), fc.integer({ min: 0, max: 100 }));
      case 'number':
        return fc.oneof(fc.constantFrom(...NUMBERS), fc.double({ noNaN: true, noDefaultInfinity: true }));
      case 'boolean':
        return fc.boolean();
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  private object(
    { properties = {}, required = [], additionalProperties }: Schema,
    within: (inner: Schema, key?: string) => fc.Arbitrary<unknown>,
  ): fc.Arbitrary<unknown> {
    const fields = Object.entries(properties).map(([key, inner]) => [key, within(inner, key)] as const);
    if (fields.length > 0) return fc.record(Object.fromEntries(fields), { requiredKeys: required });
    const values = typeof additionalProperties === 'object' ? within(additionalProperties) : nonsense;
    return fc.dictionary(fc.constantFrom('default', 'messaging.live-chats', 'a', 'a.b\u0000'), values, { maxKeys: 3 });
  }

  private text({ format, pattern, minLength = 0, maxLength = 1e6 }: Schema, where: string, name: string) {
    if (format === 'uuid' || pattern?.includes('[0-9a-f]{8}'))
      return fc.oneof({ weight: 3, arbitrary: fc.constant(this.idOf(name, where)) }, fc.constant<string>(UUID));
    if (format === 'email') return fc.constantFrom(...EMAILS);
    if (format === 'date-time') return fc.constantFrom(...MOMENTS);
    if (format === 'uri') return fc.constantFrom(...URLS);
    if (pattern) {
      const fits = new RegExp(pattern);
      return fc.constantFrom(...[...FITTING, ...TEXTS].filter((text) => fits.test(text)), 'something');
    }
    return fc.constantFrom(...TEXTS, 'Something', 'x'.repeat(Math.min(maxLength, 2_000)).padEnd(minLength, 'x'));
  }

  private idOf(name: string, where: string): string {
    return this.things.get(meaningOf(name, where)) ?? UUID;
  }

  private placesIn(schema: Schema): Place[] {
    const walk = (given: Schema, place: Place): Place[] => {
      const { properties = {}, items } = this.routes.resolve(given);
      const inner = Object.entries(properties).flatMap(([key, field]) => walk(field, [...place, key]));
      return [place, ...inner, ...(items ? walk(items, [...place, 0]) : [])];
    };
    return [...walk(schema, []).filter(({ length }) => length > 0), ['__proto__'], ['nowhere']];
  }
}

/** Returns values that are not objects unchanged. */
function put(value: unknown, place: Place, bad: unknown): unknown {
  if (place[0] === '__proto__') return '@prototype@';
  return typeof value === 'object' && value !== null ? withValue(value, place, bad) : value;
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return Object.entries(RAW).reduce((raw, [name, what]) => raw.replaceAll(`"${name}"`, () => what), text);
}

function inAddress(value: unknown): string {
  const text = typeof value === 'string' ? value : textOf(value);
  return encodeURIComponent(text.toWellFormed().slice(0, 3_000));
}
