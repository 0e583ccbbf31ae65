import { Problem, takesIdempotencyKey, type Call, type Operation } from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { pathOf } from '../http/request.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * Returns the client's Idempotency-Key with a digest of the request, by which the service detects a different request
 * with the same key.
 * @throws Problem `validation` when there is more than one key or it is longer than 255 characters
 */
export function idempotencyOf(operation: Operation, request: FastifyRequest, address: string): Call['idempotency'] {
  const key = idempotencyKeyOf(operation, request, address);
  return key === undefined ? undefined : { key, digest: digestOf(request, canonical(request.body)) };
}

/**
 * Returns the key alone, for a request whose body has not been read yet; undefined if the operation ignores it. On public
 * routes keys are scoped to the client's address, so that strangers with the same key do not collide.
 * @throws Problem as `idempotencyOf`
 */
export function idempotencyKeyOf(operation: Operation, request: FastifyRequest, address: string): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || !takesIdempotencyKey(operation)) return undefined;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const message = 'Idempotency-Key must be 1 to 255 printable characters';
    throw new Problem('validation', { errors: [{ field: 'Idempotency-Key', message }] });
  }
  return operation.access === 'public' ? sha256(`${address} ${key}`) : key;
}

/** @param body the same text for the same body */
export function digestOf(request: FastifyRequest, body: string): string {
  const query = request.query as object;
  const address = pathOf(request) + (Object.keys(query).length > 0 ? `?${canonical(query)}` : '');
  return sha256(`${request.method} ${address}\n${body}`);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Canonical JSON: the same text for equal values, whatever the order of their fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
}
