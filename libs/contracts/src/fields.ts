import 'reflect-metadata';
import { Type } from 'class-transformer';
import * as v from 'class-validator';
import './remembered-fields.js';

/** A JSON Schema (2020-12) fragment, as OpenAPI 3.1 takes it. */
export type Schema = Record<string, unknown>;
export type Class<T = object> = new () => T;

interface Presence {
  /** May be left out. */
  optional?: boolean;
  /** May be null. */
  nullable?: boolean;
  /** What the field means, for the API's documentation. */
  about?: string;
}

interface FieldSchema {
  schema: () => Schema;
  required: boolean;
  /** The class of a nested object, or of each in a list. */
  nested?: () => Class;
}

const FIELDS = Symbol('leaver:fields');
const ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Each decorator below declares a field once: class-validator checks it on the way in and the same words describe it in
 * the OpenAPI document.
 */
function field(
  presence: Presence & { nested?: () => Class },
  schema: () => Schema,
  ...checks: PropertyDecorator[]
): PropertyDecorator {
  return (target, property) => {
    const own: Map<string, FieldSchema> = Reflect.getOwnMetadata(FIELDS, target) ?? new Map();
    own.set(String(property), {
      required: !presence.optional,
      nested: presence.nested,
      schema: () => describe(schema(), presence),
    });
    Reflect.defineMetadata(FIELDS, own, target);
    for (const check of checks) check(target, property);
    if (presence.optional && presence.nullable) v.IsOptional()(target, property);
    else if (presence.optional) v.ValidateIf((o) => o[property] !== undefined)(target, property);
    else if (presence.nullable) v.ValidateIf((o) => o[property] !== null)(target, property);
  };
}

function describe(schema: Schema, { nullable, about }: Presence): Schema {
  const described = about ? { ...schema, description: about } : schema;
  if (!nullable) return described;
  if (typeof schema.type === 'string' && !schema.enum) return { ...described, type: [schema.type, 'null'] };
  return { anyOf: [schema, { type: 'null' }], ...(about ? { description: about } : {}) };
}

/** Text of bounded length; control characters other than line breaks and tabs are refused. */
export const Text = ({ min = 1, max = 200, ...presence }: Presence & { min?: number; max?: number } = {}) =>
  field(
    presence,
    () => ({ type: 'string', minLength: min, maxLength: max }),
    v.IsString(),
    v.Length(min, max),
    v.Matches(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, {
      message: '$property must not hold control characters',
    }),
  );

/** Text that has to follow a pattern; `hint` tells the reader what is expected. */
export const Pattern = (pattern: RegExp, hint: string, presence: Presence = {}) =>
  field(
    presence,
    () => ({ type: 'string', pattern: pattern.source }),
    v.IsString(),
    v.Matches(pattern, { message: `$property must be ${hint}` }),
  );

export const Email = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'email', maxLength: 254 }), v.IsEmail(), v.MaxLength(254));

/** A phone number in E.164, `+` and 7 to 15 digits. */
export const Phone = (presence: Presence = {}) =>
  Pattern(/^\+[1-9]\d{6,14}$/, 'a phone number in E.164 format, like +14155550100', presence);

/** An id: UUID, lower case. */
export const Id = (presence: Presence = {}) =>
  field(
    presence,
    () => ({ type: 'string', format: 'uuid' }),
    v.Matches(ID_PATTERN, { message: '$property must be a UUID' }),
  );

export const Ids = ({ max = 1000, min = 0, ...presence }: Presence & { max?: number; min?: number } = {}) =>
  field(
    presence,
    () => ({
      type: 'array',
      items: { type: 'string', format: 'uuid' },
      minItems: min,
      maxItems: max,
      uniqueItems: true,
    }),
    v.IsArray(),
    v.ArrayMinSize(min),
    v.ArrayMaxSize(max),
    v.ArrayUnique(),
    v.Matches(ID_PATTERN, { each: true, message: 'each of $property must be a UUID' }),
  );

export const OneOf = (values: readonly string[], presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', enum: [...values] }), v.IsIn([...values]));

export const SomeOf = (values: readonly string[], presence: Presence = {}) =>
  field(
    presence,
    () => ({ type: 'array', items: { type: 'string', enum: [...values] }, uniqueItems: true }),
    v.IsArray(),
    v.ArrayUnique(),
    v.ArrayMaxSize(values.length),
    v.IsIn([...values], { each: true }),
  );

/** Filters a list by a person, who may also be the caller or nobody. */
export const PersonFilter = (about: string) =>
  Pattern(/^(me|none|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, 'the id of a user, `me` or `none`', {
    optional: true,
    about,
  });

/** A list of short texts, each of which follows the pattern; `hint` tells the reader what is expected. */
export const Texts = (pattern: RegExp, hint: string, { max = 100, ...presence }: Presence & { max?: number } = {}) =>
  field(
    presence,
    () => ({
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 200, pattern: pattern.source },
      maxItems: max,
    }),
    v.IsArray(),
    v.ArrayMaxSize(max),
    v.IsString({ each: true }),
    v.Length(1, 200, { each: true }),
    v.Matches(pattern, { each: true, message: `each of $property must be ${hint}` }),
  );

export const Flag = (presence: Presence = {}) => field(presence, () => ({ type: 'boolean' }), v.IsBoolean());

export const Whole = ({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  ...presence
}: Presence & { min?: number; max?: number } = {}) =>
  field(presence, () => ({ type: 'integer', minimum: min, maximum: max }), v.IsInt(), v.Min(min), v.Max(max));

export const Num = (presence: Presence = {}) => field(presence, () => ({ type: 'number' }), v.IsNumber());

/** Years from 1, and time zones that there are: what PostgreSQL takes as well. */
const MOMENT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;

/** A moment in ISO 8601: date, time and time zone. */
export const Moment = (presence: Presence = {}) =>
  field(
    presence,
    () => ({ type: 'string', format: 'date-time' }),
    v.IsISO8601({ strict: true, strictSeparator: true }),
    v.ValidateBy({
      name: 'moment',
      validator: {
        validate: (value) => typeof value === 'string' && MOMENT.test(value) && !Number.isNaN(Date.parse(value)),
        defaultMessage: () => '$property must be a time in ISO 8601 with a time zone',
      },
    }),
  );

export const Url = (presence: Presence = {}) =>
  field(
    presence,
    () => ({ type: 'string', format: 'uri', maxLength: 2000 }),
    v.IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false }),
    v.MaxLength(2000),
  );

/** A free JSON object. */
export const Json = (presence: Presence = {}) => field(presence, () => ({ type: 'object' }), v.IsObject());

/** Anything the given schema describes; `check` decides on the way in. For the few fields that are more than one type. */
export const Shape = (schema: Schema, check: (value: unknown) => boolean, hint: string, presence: Presence = {}) =>
  field(
    presence,
    () => schema,
    v.ValidateBy({ name: 'shape', validator: { validate: check, defaultMessage: () => `$property must be ${hint}` } }),
  );

/** A nested object of the given class. */
export const Nested = (type: () => Class, presence: Presence = {}) =>
  field({ ...presence, nested: type }, () => ref(type()), v.IsObject(), v.ValidateNested(), Type(type));

/** A list of nested objects of the given class. */
export const ListOf = (type: () => Class, { max = 1000, ...presence }: Presence & { max?: number } = {}) =>
  field(
    { ...presence, nested: type },
    () => ({ type: 'array', items: ref(type()), maxItems: max }),
    v.IsArray(),
    v.ArrayMaxSize(max),
    v.ValidateNested({ each: true }),
    Type(type),
  );

const ref = (type: Class): Schema => ({ $ref: `#/components/schemas/${type.name}` });

/** The fields of a class, its ancestors' included, in the order of their declaration. */
function fieldsOf(type: Class): Map<string, FieldSchema> {
  const chain: object[] = [];
  for (let proto: object | null = type.prototype; proto; proto = Object.getPrototypeOf(proto)) chain.unshift(proto);
  return new Map(chain.flatMap((proto) => [...(Reflect.getOwnMetadata(FIELDS, proto) ?? [])]));
}

/** The JSON Schema of a class made of the decorators above. Nested classes are references into `#/components/schemas`. */
export function schemaOf(type: Class): Schema {
  const fields = [...fieldsOf(type)];
  const required = fields.filter(([, f]) => f.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, f]) => [name, f.schema()])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/** Names of the fields that are whole numbers or flags: a query string has to be converted for them. */
export function fieldTypes(type: Class): Map<string, string> {
  return new Map([...fieldsOf(type)].map(([name, f]) => [name, String([f.schema().type].flat()[0])]));
}

/** The classes that a class refers to in its schema, directly. */
export const nestedIn = (type: Class): Class[] =>
  [...fieldsOf(type).values()].flatMap(({ nested }) => (nested ? [nested()] : []));
