import type { InferEntity } from '@mikro-orm/postgresql';
import type { Transition } from '#libs/contracts';
import type { AnyEntity } from '#libs/database';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Shown } from './shown.js';

/** Access to the service's database, inside the running transaction. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Db = Kysely<any>;

type Scalar = string | number | boolean;

/** Conditions by property: equal to a value, one of several values, or null. */
export type Where<E> = { readonly [K in keyof E]?: Scalar | readonly Scalar[] | null };

/** A SQL condition over the row (alias `t`) and the leaver (alias `l`: user_id, account_id, was_manager, left_at). */
export type Condition = RawBuilder<unknown>;

/** Which rows a rule covers, and how they belong to the leaver. */
export interface Rows {
  entity: AnyEntity;
  /** The property that names the leaver; null if the rows belong to the account and only `match` relates them to the leaver. */
  person: string | null;
  where: Readonly<Record<string, Scalar | readonly Scalar[] | null>>;
  match?: Condition;
  /** The kind of rows, if a rule has several. Each has its own receipt line. */
  part?: string;
  /** The only transition on which the rule covers these rows; by default all transitions of the rule. */
  on?: Transition;
  /**
   * When the row was last granted, as SQL over the row (alias `t`). After a take-over the new person may grant it again: the
   * proof counts only rows that were granted before. Default: the row's `createdAt`.
   */
  grantedAt?: RawBuilder<unknown>;
  /** How a preview and a departure show the rows behind their counts. */
  shown?: Shown;
}

/** Rows whose property `person` names the leaver. */
export function owned<E extends AnyEntity>(
  entity: E,
  person: keyof InferEntity<E> & string,
  where: Where<InferEntity<E>> = {},
  more: Pick<Rows, 'part' | 'match' | 'on' | 'grantedAt' | 'shown'> = {},
): Rows {
  return { entity, person, where: where as Rows['where'], ...more };
}

/** Rows of the leaver's account that `match` relates to the leaver other than by a column. */
export function ofAccount<E extends AnyEntity>(
  entity: E,
  where: Where<InferEntity<E>>,
  match: Condition,
  more: Pick<Rows, 'part' | 'shown'> = {},
): Rows {
  const inAccount = sql`t.account_id = l.account_id and ${match}`;
  return { entity, person: null, where: where as Rows['where'], match: inAccount, ...more };
}
