import { scimProblem } from './faults.js';

const LONGEST = 200;
const CONTROL = /[\u0000-\u001f\u007f]/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A text as clients send one: some send numbers, some wrap a single value as if there were many. Null for nothing.
 * @throws Problem `validation` with `invalidValue`
 */
export function textOf(name: string, value: unknown, longest = LONGEST): string | null {
  const plain = unwrapped(value);
  if (plain === null || plain === undefined) return null;
  const text = typeof plain === 'number' ? String(plain) : plain;
  if (typeof text !== 'string') throw scimProblem('invalidValue', `${name} must be a text.`);
  const trimmed = text.trim();
  if (trimmed.length > longest)
    throw scimProblem('invalidValue', `${name} must not have more than ${longest} characters.`);
  if (CONTROL.test(trimmed) || !trimmed.isWellFormed())
    throw scimProblem('invalidValue', `${name} must not hold control characters.`);
  return trimmed === '' ? null : trimmed;
}

/**
 * True or false, also as text in any case. Null for nothing.
 * @throws Problem `validation` with `invalidValue`
 */
export function flagOf(name: string, value: unknown): boolean | null {
  const plain = unwrapped(value);
  if (plain === null || plain === undefined) return null;
  const text = String(plain).toLowerCase();
  if (text !== 'true' && text !== 'false') throw scimProblem('invalidValue', `${name} must be true or false.`);
  return text === 'true';
}

/** A part of a complex value by its name in lower case: SCIM takes names in any (RFC 7643, 2.1). */
export function partIn(value: Record<string, unknown>, name: string): unknown {
  return Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1];
}

function unwrapped(value: unknown): unknown {
  const only = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  if (!isObject(only)) return only;
  const inner = partIn(only, 'value');
  return inner === undefined ? only : inner;
}
