import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import {
  DUE,
  isFixed,
  LEAVER,
  NOW,
  PERSON,
  SUCCESSOR,
  type Along,
  type Changes,
  type Effect,
  type SetEffect,
  type Value,
} from './actions.js';
import { MarkStatements } from './mark-statements.js';
import { Relation, type Sql } from './relation.js';
import type { Db, Rows } from './rule.js';
import { UndoStatements, type NoteOf } from './undo-statements.js';

/** One person whose rows are worked on, as SQL sees it: the relation `l`. */
export interface LeaverRow {
  userId: string;
  accountId: string;
  wasManager: boolean;
  /** The decision that is carried out; unknown to what is done later. */
  lifecycleVersion?: number;
  /** When it was decided. Rows of the account that came later are none of this departure's business. */
  leftAt: Date;
  successor?: string | null;
  due?: Date | null;
  /** The lifecycle version under which changed rows are noted for an undo; null where nobody can want one. */
  notedAs?: number | null;
}

export interface Limits {
  perPerson: number;
  total: number;
  /** Only rows behind this id. */
  after?: string | null;
}

export interface Touched {
  userId: string;
  count: number;
  lastId: string | null;
}

/**
 * The SQL for one kind of rows. The same selection serves the count before, the change, and the count after, so that
 * they cannot disagree.
 */
export class Statements {
  private readonly relation: Relation;
  private readonly table: Sql;

  constructor(
    private readonly em: EntityManager,
    private readonly rows: Rows,
  ) {
    this.relation = new Relation(em, rows.entity);
    this.table = this.relation.table;
    for (const property of [rows.person, ...Object.keys(rows.where)]) if (property) this.column(property);
  }

  /** `table.column` of the person, for the test of completeness. */
  get covers(): string | null {
    return this.rows.person && `${this.relation.name}.${this.relation.columnName(this.rows.person)}`;
  }

  /** Rows per leaver on which the effect has still to happen; for an effect of none, the rows concerned. */
  async count(db: Db, effect: Effect, leavers: readonly LeaverRow[]): Promise<Map<string, number>> {
    const [counts] = await countTogether(db, [{ statements: this, effect, leavers }]);
    return counts!;
  }

  counting(effect: Effect, leavers: readonly LeaverRow[]): Sql {
    return sql`
      with ${leaverTable(leavers)}
      select l.user_id, (select count(*) from ${this.table} t where ${this.selection(effect)}) as count from l`;
  }

  /** Whether anything is left to do for one leaver. Stops at the first row. */
  async any(db: Db, effect: Effect, leaver: LeaverRow): Promise<boolean> {
    const { rows } = await sql<{ left: boolean }>`
      with ${leaverTable([leaver])}
      select exists (select 1 from l, ${this.table} t where ${this.selection(effect)}) as left`.execute(db);
    return rows[0]!.left;
  }

  /** Ids of the rows concerned, for a preview that lists them. */
  async list(db: Db, effect: Effect, leaver: LeaverRow, limit: number): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      with ${leaverTable([leaver])}
      select t.id from l, ${this.table} t where ${this.selection(effect)} order by t.id limit ${limit}`.execute(db);
    return rows.map((row) => row.id);
  }

  /**
   * Changes the rows of all leavers at once, within the limits, and tells how many of whose.
   * @param note writes down with the change which rows of whom it is, where the leaver is `notedAs` something
   */
  async run(
    db: Db,
    effect: Exclude<Effect, { kind: 'none' }>,
    leavers: readonly LeaverRow[],
    limits: Limits,
    now: Date,
    note?: NoteOf,
  ): Promise<Touched[]> {
    const found =
      effect.kind !== 'insert' && effect.along
        ? await this.prepare(db, effect, effect.along, leavers, limits)
        : this.targets(effect, limits);
    if (!found) return [];
    const undo = note && this.undo(effect, leavers);
    const { rows } = await sql<{ user_id: string; count: string; last_id: string }>`
      with ${leaverTable(leavers)},
      target as (${found}),
      changed as (${this.change(effect, now, undo)}) ${undo ? sql`, noted as (${undo.note(note)})` : sql``}
      select user_id, count(*) as count, (array_agg(id order by id desc))[1] as last_id from changed group by user_id`.execute(
      db,
    );
    return rows.map((row) => ({ userId: row.user_id, count: Number(row.count), lastId: row.last_id }));
  }

  /** The SQL by which what a change has noted is undone. */
  undoing(effect: SetEffect): UndoStatements {
    return new UndoStatements(this.em, this.rows, effect);
  }

  private undo(effect: Effect, leavers: readonly LeaverRow[]): UndoStatements | undefined {
    return effect.kind === 'set' && leavers.some((leaver) => typeof leaver.notedAs === 'number')
      ? this.undoing(effect)
      : undefined;
  }

  /** Where other tables have to change along with the rows: locks those, changes the others, and tells which rows are next. */
  private async prepare(
    db: Db,
    effect: Effect,
    along: Along,
    leavers: readonly LeaverRow[],
    limits: Limits,
  ): Promise<Sql | undefined> {
    const { rows: found } = await sql<{ id: string; user_id: string }>`
      with ${leaverTable(leavers)}, target as (${this.targets(effect, limits)})
      select t.id, target.user_id from ${this.table} t join target on target.id = t.id order by t.id for update of t`.execute(
      db,
    );
    if (found.length === 0) return undefined;
    const ids = found.map((row) => row.id);
    const byUser = new Map(leavers.map((leaver) => [leaver.userId, leaver]));
    await along(db, ids, new Map(found.map((row) => [row.id, byUser.get(row.user_id)!])));
    return sql`select t.id, l.user_id, l.successor, l.due from l, ${this.table} t where ${this.selection(effect)} and t.id = any(${ids}::uuid[])`;
  }

  private targets(effect: Effect, { perPerson, total, after }: Limits): Sql {
    const behind = after ? sql`and t.id > ${after}::uuid` : sql``;
    return sql`
      select r.id, l.user_id, l.successor, l.due from l cross join lateral (
        select t.id from ${this.table} t where ${this.selection(effect)} ${behind} order by t.id limit ${perPerson}
      ) r limit ${total}`;
  }

  /** Checked again on the row itself, which somebody else may have changed since it was selected. */
  private change(effect: Exclude<Effect, { kind: 'none' }>, now: Date, undo?: UndoStatements): Sql {
    const own = this.rows.person ? [sql`t.${this.column(this.rows.person)} = target.user_id`] : [];
    const still = sql.join([sql`t.id = target.id`, ...own, ...this.conditions()], sql` and `);
    if (effect.kind === 'insert') return new MarkStatements(this.em, effect.into).insert(this.table, still);
    if (effect.kind === 'delete') {
      return sql`delete from ${this.table} t using target where ${still} returning target.user_id, target.id`;
    }
    const assignments = this.entries(effect.changes).map(
      ([column, value]) => sql`${column} = ${this.value(value, now)}`,
    );
    const memories = undo ? sql`, target.successor, ${undo.memories()}` : sql``;
    return sql`
      update ${this.table} t set ${sql.join(assignments)} from target where ${still}
      returning target.user_id, target.id ${memories}`;
  }

  private selection(effect: Effect): Sql {
    const parts: Sql[] = [];
    if (this.rows.person) parts.push(sql`t.${this.column(this.rows.person)} = l.user_id`);
    parts.push(...this.conditions());
    if (this.rows.match) parts.push(this.rows.match);
    if (effect.kind === 'set' && !(PERSON in effect.changes)) parts.push(this.pending(effect.changes));
    if (effect.kind === 'insert') parts.push(new MarkStatements(this.em, effect.into).missing());
    return sql.join(parts, sql` and `);
  }

  private conditions(): Sql[] {
    return Object.entries(this.rows.where).map(([property, wanted]) => this.condition(property, wanted));
  }

  private condition(property: string, wanted: Rows['where'][string]): Sql {
    const column = sql`t.${this.column(property)}`;
    if (wanted === null) return sql`${column} is null`;
    return Array.isArray(wanted) ? sql`${column} = any(${wanted})` : sql`${column} = ${wanted}`;
  }

  /** A row is done when it has all the values that can be known beforehand. */
  private pending(changes: Changes): Sql {
    const fixed = this.entries(changes).filter(([, value]) => isFixed(value));
    if (fixed.length === 0)
      throw new TypeError(
        `${this.relation.name}: an action has to set at least one fixed value, by which its rows are known to be done`,
      );
    return sql`(${sql.join(
      fixed.map(([column, value]) => sql`t.${column} is distinct from ${value}`),
      sql` or `,
    )})`;
  }

  private entries(changes: Changes): [Sql, Value][] {
    const named = Object.entries(changes).map(([property, value]): [Sql, Value] => [this.column(property), value]);
    return PERSON in changes ? [[this.column(this.rows.person!), changes[PERSON] as Value], ...named] : named;
  }

  private value(value: Value, now: Date): Sql {
    if (value === NOW) return sql`${now}`;
    if (value === LEAVER) return sql`target.user_id`;
    if (value === SUCCESSOR) return sql`target.successor`;
    if (value === DUE) return sql`target.due`;
    if (typeof value === 'object' && value !== null) return value;
    return sql`${value as string}`;
  }

  private column(property: string): Sql {
    return this.relation.column(property);
  }
}

/** Of which rows, and of whom. */
export interface Counting {
  statements: Statements;
  effect: Effect;
  leavers: readonly LeaverRow[];
}

/** Several counts in one statement, since asking takes longer than counting; by user, in the order of the questions. */
export async function countTogether(db: Db, countings: readonly Counting[]): Promise<Map<string, number>[]> {
  const counts = countings.map(() => new Map<string, number>());
  if (countings.length === 0) return counts;
  const each = countings.map(
    ({ statements, effect, leavers }, n) =>
      sql`select ${sql.lit(n)} as n, c.* from (${statements.counting(effect, leavers)}) c`,
  );
  const { rows } = await sql<{
    n: number;
    user_id: string;
    count: string;
  }>`${sql.join(each, sql` union all `)}`.execute(db);
  for (const { n, user_id, count } of rows) counts[n]!.set(user_id, Number(count));
  return counts;
}

/**
 * The leavers as a relation named `l`. Of a single one PostgreSQL gets to see the values themselves: it then plans by how
 * many rows this person has, and not by how many somebody has on average.
 */
function leaverTable(leavers: readonly LeaverRow[]): Sql {
  const columns = sql`l (user_id, account_id, was_manager, left_at, successor, due, noted_as)`;
  const [one, another] = leavers;
  if (one && !another)
    return sql`l as not materialized (select * from (values (
      ${one.userId}::uuid, ${one.accountId}::uuid, ${one.wasManager}::boolean, ${one.leftAt}::timestamptz,
      ${one.successor ?? null}::uuid, ${one.due ?? null}::timestamptz, ${one.notedAs ?? null}::bigint)) as ${columns})`;
  return sql`l as materialized (select * from unnest(
    ${leavers.map((l) => l.userId)}::uuid[], ${leavers.map((l) => l.accountId)}::uuid[], ${leavers.map((l) => l.wasManager)}::boolean[],
    ${leavers.map((l) => l.leftAt)}::timestamptz[], ${leavers.map((l) => l.successor ?? null)}::uuid[], ${leavers.map((l) => l.due ?? null)}::timestamptz[],
    ${leavers.map((l) => l.notedAs ?? null)}::bigint[]
  ) as ${columns})`;
}
