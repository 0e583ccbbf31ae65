import type { ScimObject } from '#libs/contracts';
import { scimProblem } from './faults.js';
import { isObject } from './values.js';

export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  /** Where there is none the value is an object. */
  path?: string;
  value: unknown;
}

const MOST = 1_000;

/** The operations of a PATCH (RFC 7644, 3.5.2). @throws Problem `validation` with SCIM's word for what is wrong */
export function patchOf(body: ScimObject): PatchOperation[] {
  const key = Object.keys(body).find((name) => name.toLowerCase() === 'operations');
  const operations = key === undefined ? undefined : body[key];
  if (!Array.isArray(operations)) throw scimProblem('invalidSyntax', 'A PATCH needs a list of Operations.');
  if (operations.length > MOST) throw scimProblem('tooMany', `Send at most ${MOST} operations at once.`);
  return operations.map(operationOf);
}

function operationOf(given: unknown): PatchOperation {
  if (!isObject(given)) throw scimProblem('invalidSyntax', 'An operation must be an object.');
  const op = typeof given.op === 'string' ? given.op.toLowerCase() : '';
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw scimProblem('invalidSyntax', 'op must be add, replace or remove.');
  const { value } = given;
  const path = given.path === null || given.path === '' ? undefined : given.path;
  if (path !== undefined && typeof path !== 'string') throw scimProblem('invalidPath', 'path must be a text.');
  if (path === undefined && op === 'remove') throw scimProblem('noTarget', 'Say by a path what is to be removed.');
  if (path === undefined && !isObject(value))
    throw scimProblem('invalidValue', 'Without a path, value must be an object of attributes.');
  return { op, ...(path !== undefined && { path }), value };
}
