import ts from 'typescript';
import type { Schema } from '../src/fields/registry.js';

/**
 * A type as the texts of its union members, or a single text. The texts are canonical, whether they come from
 * TypeScript or from a JSON Schema: sorted, without `readonly`, and with classes by name.
 */
export type Members = readonly string[];

export const textOf = (members: Members): string => members.join(' | ');

function union(members: readonly string[]): Members {
  const all = new Set(members);
  if (all.has('true') && all.has('false')) {
    all.delete('true');
    all.delete('false');
    all.add('boolean');
  }
  return [...all].sort();
}

const list = (item: Members): Members => [item.length > 1 ? `(${textOf(item)})[]` : `${textOf(item)}[]`];
const record = (value: Members): Members => [`Record<string, ${textOf(value)}>`];

interface Property {
  name: string;
  optional: boolean;
  type: Members;
}

function object(properties: readonly Property[]): Members {
  const parts = properties.map(({ name, optional, type }) => `${name}${optional ? '?' : ''}: ${textOf(type)}`);
  return [`{ ${parts.sort().join('; ')} }`];
}

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** @throws TypeError for a schema without a corresponding type */
export function membersOfSchema(schema: Schema): Members {
  const { $ref, enum: values, anyOf, type, items, properties, required = [], additionalProperties } = schema;
  if (typeof $ref === 'string') return [$ref.slice($ref.lastIndexOf('/') + 1)];
  if (Array.isArray(values)) return union(values.map((value) => JSON.stringify(value)));
  if (Array.isArray(anyOf)) return union(anyOf.flatMap((one: Schema) => membersOfSchema(one)));
  if (Array.isArray(type)) return union(type.flatMap((one: string) => membersOfSchema({ ...schema, type: one })));
  if (type === 'array') return list(items ? membersOfSchema(items as Schema) : ['unknown']);
  if (type === 'object' && properties) {
    const named = Object.entries(properties as Record<string, Schema>);
    const optional = (name: string) => !(required as string[]).includes(name);
    return object(named.map(([name, inner]) => ({ name, optional: optional(name), type: membersOfSchema(inner) })));
  }
  if (type === 'object')
    return record(additionalProperties ? membersOfSchema(additionalProperties as Schema) : ['unknown']);
  const primitive = PRIMITIVES[String(type)];
  if (!primitive) throw new TypeError(`no type is known for the schema ${JSON.stringify(schema)}`);
  return [primitive];
}

/** `undefined` is left out: an optional property always includes it. */
export function membersOfType(type: ts.Type, checker: ts.TypeChecker): Members {
  const members = (inner: ts.Type): Members => membersOfType(inner, checker);
  if (type.isUnion()) return union(type.types.filter((one) => !(one.flags & ts.TypeFlags.Undefined)).flatMap(members));
  if (type.isStringLiteral() || type.isNumberLiteral()) return [JSON.stringify(type.value)];
  if (checker.isArrayType(type)) return list(members(checker.getTypeArguments(type as ts.TypeReference)[0]!));
  if (!(type.flags & ts.TypeFlags.Object) || type.isClass() || type.symbol?.name === 'Date')
    return [checker.typeToString(type)];
  const values = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  if (values) return record(members(values));
  return object(
    checker.getPropertiesOfType(type).map((property) => ({
      name: property.name,
      optional: (property.flags & ts.SymbolFlags.Optional) !== 0,
      type: members(checker.getTypeOfSymbol(property)),
    })),
  );
}
