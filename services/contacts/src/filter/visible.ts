import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, type Call } from '#libs/contracts';
import { Filter, type FilterRow } from './filter.entity.js';

/** A private filter is visible only to its owner. */
export const visibleTo = ({ userId }: Call['principal']) => ({
  $or: [{ visibility: 'public' as const }, { ownerId: userId }],
});

/** @throws Problem `not-found`, also for private filters of other users */
export async function visibleFilter(
  em: EntityManager,
  { principal, params }: Pick<Call, 'principal' | 'params'>,
): Promise<FilterRow> {
  const { accountId } = principal;
  const filter = await em.findOne(Filter, { id: params.id!, accountId, ...visibleTo(principal) });
  if (!filter) throw new Problem('not-found');
  return filter;
}
