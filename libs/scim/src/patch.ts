import type { ScimObject } from '#libs/contracts';
import { flattenSchemas, isSchemaKey } from './attribute-path.js';
import { scimProblem } from './errors.js';
import { parsePatchPath, tryParsePatchPath, type PatchPath } from './filter/filter-parser.js';
import { attributeOf, isObject } from './values.js';

export interface PatchOperation {
  op: 'add' | 'replace' | 'remove';
  path: PatchPath;
  value: unknown;
}

const MAX_OPERATIONS = 1_000;

/**
 * The operations of a PATCH request (RFC 7644, 3.5.2) in their order. An operation without a path becomes one for each
 * attribute in its value.
 * @throws Problem `validation` with a `scimType`
 */
export function parsePatch(body: ScimObject): PatchOperation[] {
  const operations = attributeOf(body, 'Operations');
  if (!Array.isArray(operations)) throw scimProblem('invalidSyntax', 'A PATCH needs a list of Operations.');
  if (operations.length > MAX_OPERATIONS)
    throw scimProblem('tooMany', `A PATCH must not have more than ${MAX_OPERATIONS} operations.`);
  return operations.flatMap(parseOperation);
}

/**
 * The attributes of an object with their paths. Keys may be names, names with a sub-attribute, whole paths, or the URN
 * of a schema with an object of attributes. Other keys are ignored.
 */
export function attributesIn(object: ScimObject): { path: PatchPath; value: unknown }[] {
  return flattenSchemas(object).flatMap(([key, value]) => {
    const path = tryParsePatchPath(key);
    return path ? [{ path, value }] : [];
  });
}

function parseOperation(operation: unknown): PatchOperation[] {
  if (!isObject(operation)) throw scimProblem('invalidSyntax', 'An operation must be an object.');
  const op = typeof operation.op === 'string' ? operation.op.toLowerCase() : '';
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw scimProblem('invalidSyntax', 'op must be add, replace or remove.');
  const { value } = operation;
  const path = operation.path === null || operation.path === '' ? undefined : operation.path;
  if (path !== undefined && typeof path !== 'string') throw scimProblem('invalidPath', 'path must be a string.');
  if (path !== undefined && isSchemaKey(path) && isObject(value)) return expand(op, { [path]: value });
  if (path !== undefined) return [{ op, path: parsePatchPath(path), value }];
  if (op === 'remove') throw scimProblem('noTarget', 'remove needs a path.');
  if (!isObject(value)) throw scimProblem('invalidValue', 'Without a path, value must be an object of attributes.');
  return expand(op, value);
}

const expand = (op: PatchOperation['op'], attributes: ScimObject): PatchOperation[] =>
  attributesIn(attributes).map((attribute) => ({ op, ...attribute }));
