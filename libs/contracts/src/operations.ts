import * as declarations from './declarations.js';
import type { Method, Operation } from './operation.js';

const METHODS: readonly Method[] = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'];

/** Every operation of the API, by service and path. Identity comes first, because everything else belongs to its users. */
export const ALL_OPERATIONS: readonly Operation[] = Object.values(declarations)
  .flatMap(operationsIn)
  .sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));

/** An export may be an operation or a group of operations as `resource` returns it. Other exports are ignored. */
function operationsIn(exported: unknown): Operation[] {
  if (typeof exported !== 'object' || exported === null) return [];
  return isOperation(exported) ? [exported] : Object.values(exported).filter(isOperation);
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'subject' in value && 'path' in value && 'method' in value;
}

function sortKey({ service, path, method }: Operation): string {
  return `${service === 'identity' ? '' : service} ${path} ${METHODS.indexOf(method)}`;
}
