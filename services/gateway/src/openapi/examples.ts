import { cutText, WEBHOOK_EVENTS, type Schema } from '#libs/contracts';
import { EXAMPLE_ID, FACTS, NOW, TIMES, withFacts } from './example-facts.js';

const FINGERPRINT = `SHA256:${'A'.repeat(43)}`;

const BY_FORMAT: Record<string, string> = {
  uuid: EXAMPLE_ID,
  email: 'maya@example.com',
  'date-time': NOW,
  date: NOW.slice(0, 10),
  uri: 'https://example.com/leaver',
};

/** Realistic example values by field name. A field that is not listed gets its own name as its value. */
const BY_NAME: Record<string, string> = {
  name: 'Maya Okafor',
  title: 'Spring order',
  label: 'Live chats',
  rule: 'messaging.live-chats',
  service: 'messaging',
  staffId: 'HP-002',
  externalId: 'C-1001',
  phone: '+14155550100',
  e164: '+14155550100',
  to: '+14155550100',
  from: '+14155550101',
  password: 'correct horse battery',
  text: 'See you on Thursday.',
  reason: 'Moving on',
  detail: 'Three chats go back to the queue.',
  host: 'files.example.com',
  domain: 'example.com',
  domains: 'example.com',
  returnTo: '/people',
  path: '/export',
  hostKey: FINGERPRINT,
  offeredHostKey: FINGERPRINT,
  slug: 'maya-okafor',
  action: 'unassign',
  code: 'sole-owner',
  nextCursor: Buffer.from(EXAMPLE_ID).toString('base64url'),
  ip: '203.0.113.7',
  userIdField: 'StaffId',
  fileName: 'contacts.csv',
};

/** Candidates for fields with a pattern, if the name does not give a matching value. */
const FITTING = [
  '+14155550100',
  'maya-okafor',
  'A1',
  'example',
  EXAMPLE_ID,
  'me',
  'USD',
  '123456',
  'k3dm-7xpa-9rtz-c5wu',
  '2026-03-02',
  // Every user may subscribe to it.
  Object.keys(WEBHOOK_EVENTS)[0]!,
  'https://example.com/leaver',
];

/** Recursion limit, for schemas that contain themselves. Ours are far less deep. */
const DEEPEST = 24;

/** Builds examples from schemas, always the same ones. `$ref`s are looked up in the given schemas. */
export class Examples {
  constructor(private readonly schemas: Readonly<Record<string, Schema>>) {}

  /**
   * @param only include only the required fields of an object (the first field if none is required), for request
   * bodies, where fields may exclude each other
   */
  of(schema: Schema, { only = false, name = '', depth = 0 } = {}): unknown {
    if (depth > DEEPEST) return null;
    const within = (inner: Schema, key = name) => this.of(inner, { only, name: key, depth: depth + 1 });
    if (typeof schema.$ref === 'string') {
      const named = schema.$ref.split('/').at(-1)!;
      return withFacts(within(this.schemas[named]!), FACTS[named]);
    }
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.allOf))
      return Object.assign({}, ...(schema.allOf as Schema[]).map((one) => within(one))) as object;
    if (Array.isArray(schema.enum)) return schema.enum.includes(BY_NAME[name]) ? BY_NAME[name] : schema.enum[0];
    const [choice] = [schema.anyOf ?? schema.oneOf].flat() as Schema[];
    if (choice) return within(choice);
    switch ([schema.type].flat()[0]) {
      case 'object':
        return this.object(schema, only, within);
      case 'array':
        return schema.items && schema.maxItems !== 0 ? [within(schema.items as Schema)] : [];
      case 'string':
        return text(schema, name);
      case 'integer':
        return Math.min(Math.max(Number(schema.minimum ?? 0), 3), Number(schema.maximum ?? 3));
      case 'number':
        return 0.5;
      case 'boolean':
        return true;
      default:
        return null;
    }
  }

  private object(schema: Schema, only: boolean, within: (inner: Schema, key: string) => unknown): object {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
    const required = (schema.required ?? []) as string[];
    const shown = only
      ? properties.filter(([key], n) => required.includes(key) || (required.length === 0 && n === 0))
      : properties;
    const others = schema.additionalProperties;
    if (properties.length === 0 && typeof others === 'object' && others !== null)
      return { 'messaging.live-chats': within(others as Schema, 'rule') };
    return Object.fromEntries(shown.map(([key, inner]) => [key, within(inner, key)]));
  }
}

function text({ format, pattern, minLength = 0, maxLength = Infinity }: Schema, name: string): string {
  const time = format === 'date-time' ? TIMES[name] : undefined;
  const known = time ?? BY_FORMAT[format as string] ?? BY_NAME[name] ?? name;
  if (typeof pattern === 'string') {
    const fits = new RegExp(pattern, 'u');
    return [known, ...FITTING].find((candidate) => fits.test(candidate)) ?? known;
  }
  return cutText(known.padEnd(Number(minLength), 'x'), Number(maxLength));
}
