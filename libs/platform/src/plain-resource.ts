import type { ListQuery } from '#libs/contracts';
import { basicResource, type Operations } from './basic-resource.js';
import { changingResource, type Changing } from './changing-resource.js';
import type { Spec, TenantRow } from './resource-spec.js';

type Unchanging<Row extends TenantRow, T, C extends object, Q extends ListQuery> = ReturnType<
  typeof basicResource<Row, T, C, Q>
>;

/**
 * Creates a controller with the calls of a plain resource: tenant-scoped, with the rights of the resource, refusing
 * users who have left, newest first. It handles PATCH if the resource declares `update`. A subclass adds behaviour by
 * overriding `prepare`, `insert`, `filter`, `find`, `present`, `prepareChange`, `change` or `discard`, or with its own
 * handlers. The handlers `create`, `list`, `get`, `update` and `remove` cannot be overridden, because their subjects are
 * registered for the methods here.
 */
export function plainResource<Row extends TenantRow, T, C extends object, Q extends ListQuery, U extends object>(
  operations: Operations<T, C, Q> & Changing<T, U>,
  spec: Spec<Row>,
): ReturnType<typeof changingResource<Row, T, C, Q, U>>;
export function plainResource<Row extends TenantRow, T, C extends object, Q extends ListQuery>(
  operations: Operations<T, C, Q>,
  spec: Spec<Row>,
): Unchanging<Row, T, C, Q>;
export function plainResource<Row extends TenantRow, T, C extends object, Q extends ListQuery>(
  operations: Operations<T, C, Q> & Partial<Changing<T, object>>,
  spec: Spec<Row>,
): Unchanging<Row, T, C, Q> {
  const { update } = operations;
  return update ? changingResource({ ...operations, update }, spec) : basicResource(operations, spec);
}
