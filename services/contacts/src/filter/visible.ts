import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, type Call } from '#libs/contracts';
import { Filter, type FilterRow } from './filter.entity.js';

/** A private filter is there for its owner alone. */
export const visibleTo = ({ userId }: Call['principal']) => ({
  $or: [{ visibility: 'public' as const }, { ownerId: userId }],
});

/** @throws Problem `not-found`, also for what is private to somebody else */
export async function visibleFilter(
  em: EntityManager,
  { principal, params }: Pick<Call, 'principal' | 'params'>,
): Promise<FilterRow> {
  const { accountId } = principal;
  const filter = await em.findOne(Filter, { id: params.id!, accountId, ...visibleTo(principal) });
  if (!filter) throw new Problem('not-found');
  return filter;
}
