import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { fieldsOf, nestedIn, schemaOf, type Class, type Field, type Schema } from '../src/fields/registry.js';
import { validate } from '../src/fields/validate.js';

/** Sample texts. Every pattern of a text field must match at least one. */
const TEXTS = [
  'word',
  'two words',
  'me',
  'none',
  '30d',
  '+14155550100',
  'robin@example.com',
  'https://example.com/path',
  'https://example.com',
  'nats://127.0.0.1:4222',
  'files.example.com',
  '/people',
  'contact.created',
  'USD',
  '123456',
  '2026-01-01T00:00:00Z',
  '0192f3c4-0000-7000-8000-000000000001',
  `SHA256:${'A'.repeat(43)}`,
];
const OTHERS = [null, true, false, 0, -1, 1, 1.5, 2 ** 53, {}, { word: 1 }, [], [[]], [{}], [null], [1]];
/** Limits above this are not probed, because that would take too long. */
const LARGEST = 10_000;

interface Judgement {
  value: unknown;
  checks: boolean;
  schema: boolean;
}

/** Probes single fields with values and compares what their checks accept with what their JSON Schemas describe. */
export class Probes {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, inlineRefs: false });
  private readonly schemas: Record<string, Schema>;
  private readonly compiled = new Map<Class, ValidateFunction>();

  /** @param classes the classes whose fields are probed; classes that they refer to are added */
  constructor(classes: readonly Class[]) {
    addFormats.default(this.ajv);
    this.schemas = Object.fromEntries([...withNested(classes)].map((type) => [type.name, checkedSchema(type)]));
    this.ajv.addSchema({ $id: 'contracts', components: { schemas: this.schemas } });
  }

  /** Returns a finding if checks and schema disagree about the field, otherwise an empty list. */
  disagreement(type: Class, name: string, field: Field): string[] {
    const judgements = this.valuesFor(field).map((value) => this.judge(type, name, value));
    const disputed = judgements.find(({ checks, schema }) => checks !== schema);
    if (disputed) return [sentence(disputed, field)];
    if (judgements.some(({ value, checks }) => checks && value !== undefined && value !== null)) return [];
    return [
      `accepts none of the values that this test tries. Add one that it accepts to TEXTS in libs/contracts/spec/probes.ts.`,
    ];
  }

  /** Ignores findings about other fields, so that the object needs only this one. */
  private judge(type: Class, name: string, value: unknown): Judgement {
    const object = value === undefined ? {} : { [name]: value };
    const described =
      this.compiled.get(type) ?? this.ajv.compile({ $ref: `contracts#/components/schemas/${type.name}` });
    this.compiled.set(type, described);
    described(object);
    return {
      value,
      checks: !validate(type, object).some(({ path }) => path.split('.')[0] === name),
      schema: !described.errors?.some((error) => isAbout(name, error)),
    };
  }

  private valuesFor(field: Field): unknown[] {
    const schema = field.schema();
    const sample = this.sampleOf(schema);
    const alternatives = [schema, ...((schema.anyOf ?? []) as Schema[])];
    const alone = alternatives.flatMap((one) => edgesOf(one));
    const lists = alternatives.flatMap(({ items, maxItems }) =>
      items ? this.listsOf(items as Schema, Number(maxItems ?? 0)) : [],
    );
    const spoiled = isObject(sample)
      ? [{ ...sample, strange: 1 }, Object.fromEntries(Object.entries(sample).slice(1))]
      : [];
    return [undefined, ...TEXTS, ...OTHERS, sample, [sample], ...spoiled, ...alone, ...lists];
  }

  private listsOf(items: Schema, most: number): unknown[][] {
    const sample = this.sampleOf(items);
    const list = (size: number) => Array.from({ length: size }, (_, n) => (items.format === 'uuid' ? uuid(n) : sample));
    const single = [...TEXTS, sample, ...edgesOf(items)].map((item) => [item]);
    return [...single, [sample, sample], ...(most < LARGEST ? [list(most), list(most + 1)] : [])];
  }

  /** The smallest value that the schema describes. */
  private sampleOf(schema: Schema): unknown {
    const { $ref, enum: values, anyOf, items, properties = {}, required = [], additionalProperties } = schema;
    if (typeof $ref === 'string') return this.sampleOf(this.schemas[$ref.slice($ref.lastIndexOf('/') + 1)]!);
    if (Array.isArray(values)) return values[0];
    if (Array.isArray(anyOf)) return this.sampleOf(anyOf[0]);
    switch ([schema.type].flat()[0]) {
      case 'object': {
        const named = (required as string[]).map(
          (name) => [name, (properties as Record<string, Schema>)[name]!] as const,
        );
        const any = isObject(additionalProperties) ? [['word', additionalProperties] as const] : [];
        return Object.fromEntries([...named, ...any].map(([name, inner]) => [name, this.sampleOf(inner)]));
      }
      case 'array':
        return items ? [this.sampleOf(items as Schema)] : [];
      case 'string':
        return textFor(schema);
      case 'boolean':
        return true;
      default:
        return Math.max(Number(schema.minimum ?? 1), 1);
    }
  }
}

const uuid = (n: number): string => `0192f3c4-0000-7000-8000-${String(n).padStart(12, '0')}`;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function withNested(classes: readonly Class[], all = new Set<Class>()): Set<Class> {
  for (const type of classes) {
    if (all.has(type)) continue;
    all.add(type);
    withNested(nestedIn(type), all);
  }
  return all;
}

/** The schema of a class, reduced to what its checks enforce. */
function checkedSchema(type: Class): Schema {
  const schema = schemaOf(type);
  const shallow = [...fieldsOf(type)].filter(([, field]) => field.shallow);
  const outermost = Object.fromEntries(shallow.map(([name, field]) => [name, { type: field.schema().type }]));
  return { ...schema, properties: { ...(schema.properties as object), ...outermost } };
}

function isAbout(name: string, { instancePath, keyword, params }: ErrorObject): boolean {
  if (instancePath === '') return keyword === 'required' && params.missingProperty === name;
  return instancePath.split('/')[1] === name;
}

const FORMATS: Record<string, string> = {
  uuid: uuid(1),
  email: 'robin@example.com',
  uri: 'https://example.com/path',
  'date-time': '2026-01-01T00:00:00Z',
};

function textFor({ format, pattern, minLength = 0 }: Schema): string {
  const text =
    FORMATS[String(format)] ?? TEXTS.find((one) => new RegExp(String(pattern ?? ''), 'u').test(one)) ?? 'word';
  return text.padEnd(Number(minLength), 'x');
}

/** The values at the limits of a schema and just beyond. */
function edgesOf({ enum: values, minimum, maximum, minLength, maxLength }: Schema): unknown[] {
  const numbers = [minimum, maximum].flatMap((edge) =>
    edge === undefined ? [] : [-1, 0, 1].map((n) => Number(edge) + n),
  );
  const lengths = [minLength, maxLength].flatMap((edge) =>
    edge === undefined ? [] : [-1, 0, 1].map((n) => Number(edge) + n),
  );
  const texts = lengths.filter((length) => length >= 0 && length < LARGEST).map((length) => 'x'.repeat(length));
  return [...((values ?? []) as unknown[]), ...numbers, ...texts];
}

function sentence({ value, checks }: Judgement, field: Field): string {
  const shown = value === undefined ? 'a missing value' : shorten(JSON.stringify(value));
  const schema = shorten(JSON.stringify(field.schema()));
  const readings = checks
    ? `accepts ${shown}, but is described as ${schema}, which does not allow it`
    : `is described as ${schema}, which allows ${shown}, but its checks refuse it`;
  return `${readings}. Correct the checks or the schema of its decorator in libs/contracts/src/fields.ts.`;
}

const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
