import * as is from './fields/checks.js';
import { declareField, type Class, type Schema } from './fields/registry.js';
import { checkOf } from './fields/shape.js';

interface Presence {
  /** May be left out. */
  optional?: boolean;
  /** May be null. */
  nullable?: boolean;
  /** What the field means, for the API's documentation. */
  about?: string;
}

/**
 * Every decorator below declares a field once: its validation and its description in the OpenAPI document. A test
 * compares the field's TypeScript type with the same declaration (docs/adr/0006).
 */
function field(
  { optional = false, nullable = false, about }: Presence,
  schema: () => Schema,
  checks: readonly is.Check[],
  more: { nested?: () => Class; shallow?: boolean } = {},
): PropertyDecorator {
  const described = () => describe(schema(), nullable, about);
  return (prototype, name) =>
    declareField(prototype, String(name), { required: !optional, nullable, schema: described, checks, ...more });
}

function describe(schema: Schema, nullable: boolean, about?: string): Schema {
  const description = about ? { description: about } : {};
  if (!nullable) return { ...schema, ...description };
  if (typeof schema.type === 'string' && !schema.enum)
    return { ...schema, ...description, type: [schema.type, 'null'] };
  return { anyOf: [schema, { type: 'null' }], ...description };
}

/** Text of bounded length. Control characters other than line breaks and tabs are refused. */
export const Text = ({ min = 1, max = 200, ...presence }: Presence & { min?: number; max?: number } = {}) =>
  field(presence, () => ({ type: 'string', minLength: min, maxLength: max }), [
    is.isString,
    is.hasLength(min, max),
    is.matches(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, 'must not contain control characters'),
  ]);

/** Text that follows a pattern. `hint` completes the sentence "the field must be …". */
export const Pattern = (pattern: RegExp, hint: string, presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', pattern: pattern.source }), [
    is.isString,
    is.matches(pattern, `must be ${hint}`),
  ]);

export const Email = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'email', maxLength: 254 }), [is.isEmail, is.hasLength(0, 254)]);

/** A phone number in E.164: `+` and 7 to 15 digits. */
export const Phone = (presence: Presence = {}) =>
  Pattern(/^\+[1-9]\d{6,14}$/, 'a phone number in E.164 format, like +14155550100', presence);

/** A UUID in lower case. */
export const Id = (presence: Presence = {}) => field(presence, () => ({ type: 'string', format: 'uuid' }), [is.isId]);

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
    [is.isArray, is.hasItems(min, max), is.hasUniqueItems, is.each(is.isId)],
  );

export const OneOf = (values: readonly string[], presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', enum: [...values] }), [is.isIn(values)]);

export const SomeOf = (values: readonly string[], { min = 0, ...presence }: Presence & { min?: number } = {}) =>
  field(
    presence,
    () => ({
      type: 'array',
      items: { type: 'string', enum: [...values] },
      ...(min > 0 && { minItems: min }),
      uniqueItems: true,
    }),
    [is.isArray, is.hasItems(min, values.length), is.hasUniqueItems, is.each(is.isIn(values))],
  );

/** A filter for a list by a person: a user's id, `me` for the caller, or `none`. */
export const PersonFilter = (about: string) =>
  Pattern(/^(me|none|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, 'the id of a user, `me` or `none`', {
    optional: true,
    about,
  });

/** A list of short texts that follow a pattern. `hint` completes the sentence "each item must be …". */
export const Texts = (
  pattern: RegExp,
  hint: string,
  { max = 100, min = 0, ...presence }: Presence & { max?: number; min?: number } = {},
) =>
  field(
    presence,
    () => ({
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 200, pattern: pattern.source },
      ...(min > 0 && { minItems: min }),
      maxItems: max,
    }),
    [
      is.isArray,
      is.hasItems(min, max),
      ...[is.isString, is.hasLength(1, 200), is.matches(pattern, `must be ${hint}`)].map(is.each),
    ],
  );

export const Flag = (presence: Presence = {}) => field(presence, () => ({ type: 'boolean' }), [is.isBoolean]);

export const Whole = ({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  ...presence
}: Presence & { min?: number; max?: number } = {}) =>
  field(presence, () => ({ type: 'integer', minimum: min, maximum: max }), [
    is.isInteger,
    is.atLeast(min),
    is.atMost(max),
  ]);

export const Num = (presence: Presence = {}) => field(presence, () => ({ type: 'number' }), [is.isNumber]);

/** A time in ISO 8601 with date and time zone. */
export const Moment = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'date-time' }), [is.isMoment]);

export const Url = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'uri', pattern: '^https?://', maxLength: 2000 }), [
    is.isUrl,
    is.hasLength(0, 2000),
  ]);

/** The address of a web server, without a path. */
export const Origin = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'uri', pattern: is.ORIGIN_PATTERN.source }), [is.isOrigin]);

/**
 * A path of the API that people pass on to others. Services write the path; the gateway prepends its public origin if
 * it is configured.
 */
export const Link = (presence: Presence = {}) =>
  field(presence, () => ({ type: 'string', format: 'uri-reference', pattern: '^(https?:/)?/' }), [
    is.isString,
    is.matches(/^(https?:\/)?\//, 'must be a path or an http or https URL'),
  ]);

/** A JSON object with any contents. */
export const Json = (presence: Presence = {}) => field(presence, () => ({ type: 'object' }), [is.isObject]);

interface ShapeOptions extends Presence {
  /** The class that `$ref` in the schema refers to. */
  nested?: () => Class;
  /** Check only the outermost type: the owning service refuses wrong contents with an error code of its own. */
  shallow?: boolean;
}

/**
 * A field of another type, described by a JSON Schema, which is also its check. `hint` completes the sentence "the field
 * must be …".
 */
export function Shape(schema: Schema, hint: string, { nested, shallow, ...presence }: ShapeOptions = {}) {
  const accepts = checkOf(shallow ? { type: schema.type } : schema, nested);
  return field(presence, () => schema, [is.check('shape', accepts, `must be ${hint}`)], { nested, shallow });
}

/** A nested object of the given class. */
export const Nested = (type: () => Class, presence: Presence = {}) =>
  field(presence, () => ref(type()), [is.isObject], { nested: type });

/** A list of nested objects of the given class. */
export const ListOf = (type: () => Class, { max = 1000, ...presence }: Presence & { max?: number } = {}) =>
  field(presence, () => ({ type: 'array', items: ref(type()), maxItems: max }), [is.isArray, is.hasItems(0, max)], {
    nested: type,
  });

const ref = (type: Class): Schema => ({ $ref: `#/components/schemas/${type.name}` });
