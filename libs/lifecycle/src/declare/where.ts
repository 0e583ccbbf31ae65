import type { InferEntity } from '@mikro-orm/postgresql';
import type { Transition } from '#libs/contracts';
import type { AnyEntity } from '#libs/database';
import { sql, type Kysely, type RawBuilder } from 'kysely';

/** Access to the service's database, inside the running transaction. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Db = Kysely<any>;

type Scalar = string | number | boolean;

/** What a row must be like: equal to a value, one of several, or null. */
export type Where<E> = { readonly [K in keyof E]?: Scalar | readonly Scalar[] | null };

/** A condition of its own, over the row (alias `t`) and the leaver (alias `l`: user_id, account_id, was_manager, left_at). */
export type Condition = RawBuilder<unknown>;

/** Which rows a rule speaks of, and how they belong to the person. */
export interface Rows {
  entity: AnyEntity;
  /** The property that names the person; null when the rows belong to the account and only `match` ties them to the leaver. */
  person: string | null;
  where: Readonly<Record<string, Scalar | readonly Scalar[] | null>>;
  match?: Condition;
  /** The kind of rows, where a rule has several: one receipt line each. */
  part?: string;
  /** The only transition on which the rule speaks of these rows; every one of the rule's unless given. */
  on?: Transition;
}

/** Rows whose property `person` names the leaver. */
export function owned<E extends AnyEntity>(
  entity: E,
  person: keyof InferEntity<E> & string,
  where: Where<InferEntity<E>> = {},
  more: Pick<Rows, 'part' | 'match' | 'on'> = {},
): Rows {
  return { entity, person, where: where as Rows['where'], ...more };
}

/** Rows of the leaver's account that `match` ties to the leaver in some other way than by a column. */
export function ofAccount<E extends AnyEntity>(entity: E, where: Where<InferEntity<E>>, match: Condition): Rows {
  return { entity, person: null, where: where as Rows['where'], match: sql`t.account_id = l.account_id and ${match}` };
}
