import { scimProblem } from './errors.js';

const MAX_LENGTH = 200;
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads a string attribute. Some clients send numbers, a list of one value, or an object with `value`. Returns null for
 * an empty value, which unassigns the attribute.
 * @throws Problem `validation` with `invalidValue`
 */
export function stringValue(name: string, value: unknown, maxLength = MAX_LENGTH): string | null {
  const single = unwrap(value);
  if (single === null || single === undefined) return null;
  const text = typeof single === 'number' ? String(single) : single;
  if (typeof text !== 'string') throw scimProblem('invalidValue', `${name} must be a string.`);
  const trimmed = text.trim();
  if (trimmed.length > maxLength)
    throw scimProblem('invalidValue', `${name} must not have more than ${maxLength} characters.`);
  if (CONTROL_CHARACTERS.test(trimmed) || !trimmed.isWellFormed())
    throw scimProblem('invalidValue', `${name} must not contain control characters.`);
  return trimmed === '' ? null : trimmed;
}

/**
 * Reads a boolean attribute. Entra sends "True" and "False" as strings. Returns null for an empty value.
 * @throws Problem `validation` with `invalidValue`
 */
export function booleanValue(name: string, value: unknown): boolean | null {
  const single = unwrap(value);
  if (single === null || single === undefined) return null;
  const text = String(single).toLowerCase();
  if (text !== 'true' && text !== 'false') throw scimProblem('invalidValue', `${name} must be true or false.`);
  return text === 'true';
}

/** An attribute of an object. Attribute names are case-insensitive (RFC 7643, 2.1). */
export function attributeOf(object: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const wanted = name.toLowerCase();
  return Object.entries(object).find(([key]) => key.toLowerCase() === wanted)?.[1];
}

function unwrap(value: unknown): unknown {
  const only = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  if (!isObject(only)) return only;
  const inner = attributeOf(only, 'value');
  return inner === undefined ? only : inner;
}
