import { Problem, type Call, type Operation } from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { pathOf } from '../http/request.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Their answers are good for one use, so a repetition has to have new ones. */
export const NEW_EACH_TIME: readonly string[] = ['auth.login', 'auth.refresh'];

/**
 * The client's Idempotency-Key, with a digest by which the service tells a repetition from another request.
 * On a public route keys belong to the address they come from, or two strangers with the same key would be in each other's way.
 * @throws Problem `validation` when the key is longer than 255 characters, or more than one
 */
export function idempotencyOf(operation: Operation, request: FastifyRequest, address: string): Call['idempotency'] {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST' || NEW_EACH_TIME.includes(operation.id)) return undefined;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const message = 'Idempotency-Key must be 1 to 255 printable characters';
    throw new Problem('validation', { errors: [{ field: 'Idempotency-Key', message }] });
  }
  const scoped = operation.access === 'public' ? sha256(`${address} ${key}`) : key;
  return { key: scoped, digest: sha256(`${request.method} ${pathOf(request)}\n${canonical(request.body)}`) };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The same text for the same JSON value, in whatever order its fields came. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
