import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, RIGHTS, whoMay, type Call } from '#libs/contracts';
import { allOf, rowsFor, type Relations } from '#libs/platform';
import { Filter, type FilterRow } from './filter.entity.js';

const relations: Relations = {
  own: ({ userId }) => ({ ownerId: userId }),
  team: () => ({ visibility: 'public' }),
};

/** @throws Problem `not-found`, also for private filters of other users */
export async function visibleFilter(
  em: EntityManager,
  { principal, params }: Pick<Call, 'principal' | 'params'>,
  now: Date,
): Promise<FilterRow> {
  const seen = rowsFor(whoMay(RIGHTS.filters, 'get'), principal, relations, now);
  const filter = await em.findOne(Filter, allOf<FilterRow>({ id: params.id, accountId: principal.accountId }, seen));
  if (!filter) throw new Problem('not-found');
  return filter;
}
