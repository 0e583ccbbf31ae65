import { maxLength } from 'class-validator';
import { ID_PATTERN } from './checks.js';
import type { Class, Schema } from './registry.js';
import { validate } from './validate.js';

type Accepts = (value: unknown) => boolean;
/** Turns one keyword of a schema into a check. As in JSON Schema, values of other types pass it. */
type Keyword = (schema: Schema, compile: (inner: Schema) => Accepts, nested?: () => Class) => Accepts;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Record<string, Accepts> = {
  string: (value) => typeof value === 'string',
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
};

const KEYWORDS: Record<string, Keyword> = {
  type: ({ type }) => TYPES[type as string] ?? unsupported(`type ${String(type)}`),
  enum:
    ({ enum: values }) =>
    (value) =>
      (values as unknown[]).includes(value),
  anyOf: ({ anyOf }, compile) => {
    const choices = (anyOf as Schema[]).map(compile);
    return (value) => choices.some((accepts) => accepts(value));
  },
  minimum:
    ({ minimum }) =>
    (value) =>
      typeof value !== 'number' || value >= Number(minimum),
  maximum:
    ({ maximum }) =>
    (value) =>
      typeof value !== 'number' || value <= Number(maximum),
  maxLength:
    ({ maxLength: most }) =>
    (value) =>
      typeof value !== 'string' || maxLength(value, Number(most)),
  format: ({ format }) =>
    format === 'uuid'
      ? (value) => typeof value !== 'string' || ID_PATTERN.test(value)
      : unsupported(`format ${String(format)}`),
  items: ({ items }, compile) => {
    const accepts = compile(items as Schema);
    return (value) => !Array.isArray(value) || value.every((item) => accepts(item));
  },
  maxItems:
    ({ maxItems }) =>
    (value) =>
      !Array.isArray(value) || value.length <= Number(maxItems),
  uniqueItems: () => (value) => !Array.isArray(value) || new Set(value).size === value.length,
  properties: ({ properties }, compile) => {
    const fields = Object.entries(properties as Record<string, Schema>).map(
      ([name, inner]) => [name, compile(inner)] as const,
    );
    return (value) => !isObject(value) || fields.every(([name, accepts]) => !(name in value) || accepts(value[name]));
  },
  required:
    ({ required }) =>
    (value) =>
      !isObject(value) || (required as string[]).every((name) => name in value),
  additionalProperties: ({ properties = {}, additionalProperties }, compile) => {
    const accepts = additionalProperties === false ? () => false : compile(additionalProperties as Schema);
    return (value) =>
      !isObject(value) ||
      Object.entries(value).every(([name, inner]) => Object.hasOwn(properties as object, name) || accepts(inner));
  },
  $ref: (_schema, _compile, nested) =>
    nested ? (value) => isObject(value) && validate(nested(), value).length === 0 : unsupported('$ref without a class'),
};

function unsupported(what: string): never {
  throw new TypeError(`the schema of a Shape can't be checked: ${what}; add it to KEYWORDS`);
}

/**
 * The check that a JSON Schema describes.
 * @param nested the class that `$ref` stands for
 * @throws TypeError for a keyword that is not supported: it would be described, but not checked
 */
export function checkOf(schema: Schema, nested?: () => Class): Accepts {
  const compile = (inner: Schema): Accepts => checkOf(inner, nested);
  const all = Object.keys(schema).map((name) => (KEYWORDS[name] ?? unsupported(name))(schema, compile, nested));
  return (value) => all.every((accepts) => accepts(value));
}
