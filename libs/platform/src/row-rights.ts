import { mayAll, Problem, type Principal, type Who } from '#libs/contracts';
import type { ObjectQuery } from '@mikro-orm/postgresql';

/** The rows that are the user's own, or shared with them, as conditions of a query. */
export interface Relations {
  own?: (principal: Principal, now: Date) => object;
  team?: (principal: Principal, now: Date) => object;
}

/** The condition for the rows of an account with which the caller may do what `who` may do. */
export function rowsFor(who: readonly Who[], principal: Principal, relations: Relations, now: Date): object {
  if (mayAll(who, principal)) return {};
  const conditions = (['own', 'team'] as const).flatMap((relation) => {
    const rows = who.includes(relation) ? relations[relation]?.(principal, now) : undefined;
    return rows ? [rows] : [];
  });
  return conditions.length > 0 ? { $or: conditions } : { id: null };
}

/** Rows for which all conditions hold. Empty ones are left out. */
export function allOf<Row>(...conditions: readonly object[]): ObjectQuery<Row> {
  return { $and: conditions.filter((one) => Object.keys(one).length > 0) } as ObjectQuery<Row>;
}

/** The answer to a user who sees a row but may not do this with it. */
export const notAllowed = (who: readonly Who[]) =>
  new Problem('forbidden', {
    detail: who.includes('own')
      ? who.includes('managers')
        ? 'Only its owner and managers may do this.'
        : 'Only its owner may do this.'
      : 'Only owners and admins may do this.',
  });
