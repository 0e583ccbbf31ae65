import type { Check } from './checks.js';

/** A JSON Schema (2020-12) fragment, as OpenAPI 3.1 uses it. */
export type Schema = Record<string, unknown>;
export type Class<T = object> = new () => T;

export interface Field {
  /** False if the field may be left out. */
  readonly required: boolean;
  readonly nullable: boolean;
  /** Built when it is asked for: it may refer to classes that are declared later. */
  readonly schema: () => Schema;
  readonly checks: readonly Check[];
  /** The class of the nested object, or of the objects in a list or map. */
  readonly nested?: () => Class;
  /** Only the outermost type is checked; see `Shape`. */
  readonly shallow?: boolean;
}

const declared = new WeakMap<object, Map<string, Field>>();
const resolved = new WeakMap<Class, ReadonlyMap<string, Field>>();
const types = new WeakMap<Class, ReadonlyMap<string, string>>();

/** Records a field of the class with this prototype. All fields of a class are declared before any of them is read. */
export function declareField(prototype: object, name: string, field: Field): void {
  const own = declared.get(prototype) ?? new Map<string, Field>();
  declared.set(prototype, own.set(name, field));
}

/** The fields of a class as they are declared, inherited ones first. A redeclared field replaces the inherited one. */
export function fieldsOf(type: Class): ReadonlyMap<string, Field> {
  const known = resolved.get(type);
  if (known) return known;
  const chain: object[] = [];
  for (let proto: object | null = type.prototype; proto; proto = Object.getPrototypeOf(proto)) chain.unshift(proto);
  const fields = new Map(chain.flatMap((proto) => [...(declared.get(proto) ?? [])]));
  resolved.set(type, fields);
  return fields;
}

/** The JSON Schema of a class. Nested classes are references into `#/components/schemas`. */
export function schemaOf(type: Class): Schema {
  const fields = [...fieldsOf(type)];
  const required = fields.filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, field]) => [name, field.schema()])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/** The JSON type of each field. A query string or an environment variable is text and has to be converted to it. */
export function fieldTypes(type: Class): ReadonlyMap<string, string> {
  const known = types.get(type);
  if (known) return known;
  const found = new Map(
    [...fieldsOf(type)].map(([name, field]) => [name, String([field.schema().type].flat()[0])] as const),
  );
  types.set(type, found);
  return found;
}

/** The classes that the schema of a class refers to directly. */
export const nestedIn = (type: Class): Class[] =>
  [...fieldsOf(type).values()].flatMap(({ nested }) => (nested ? [nested()] : []));
