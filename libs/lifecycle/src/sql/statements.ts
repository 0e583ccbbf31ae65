import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import {
  DUE,
  isFixed,
  LEAVER,
  NOW,
  PERSON,
  SUCCESSOR,
  removesRows,
  sideEffectsOf,
  type Changes,
  type Effect,
  type SetEffect,
  type Value,
} from '../declare/actions.js';
import { afterCursor, type Changed, type Chunk } from './chunk.js';
import { leaverTable } from './leaver-table.js';
import type { LeaverRow } from '../declare/leaver.js';
import type { RowCounts } from '../declare/side-effects.js';
import { MarkStatements } from './mark-statements.js';
import { Relation, type Sql } from './relation.js';
import type { Db, Rows } from '../declare/where.js';
import { recordRemoteEffects } from './remote-statements.js';
import { receiverOf, sharedAmong, type Sharing } from './sharing.js';
import { UndoStatements, type Origin } from './undo-statements.js';

/** Which rows to count. */
export interface Counted {
  effect: Effect;
  /** Counts no further than this, per leaver. */
  atMost?: number;
  /** Counts these items of the rows, each once, instead of the rows: a query over row `t`. */
  items?: Sql;
  /** Counts only rows that were granted before the leaver's decision. */
  onlyGrantedBefore?: boolean;
  /** Counts only rows of the table that none of these effects selects. */
  without?: readonly { statements: Statements; effect: Effect }[];
}

const sumOf = (counts: Iterable<number>): number => [...counts].reduce((sum, count) => sum + count, 0);
const NOTHING_LOST: RowCounts = new Map();

/** The SQL for one kind of rows. The counts before and after use the condition of the change, so they cannot disagree. */
export class Statements {
  readonly relation: Relation;
  private readonly table: Sql;

  constructor(
    readonly em: EntityManager,
    readonly rows: Rows,
  ) {
    this.relation = new Relation(em, rows.entity);
    this.table = this.relation.table;
    for (const property of [rows.person, ...Object.keys(rows.where)]) if (property) this.column(property);
  }

  /** `table.column` of the leaver's id, for the completeness test. */
  get covers(): string | null {
    return this.rows.person && `${this.relation.name}.${this.relation.columnName(this.rows.person)}`;
  }

  get tableName(): string {
    return this.relation.name;
  }

  /** A key that is equal for effects known to select the same rows. */
  selectionOf(effect: Effect): Effect | 'all' {
    return effect.kind === 'none' || removesRows(effect) ? 'all' : effect;
  }

  /** A query for one row per leaver of the relation `leavers` (see `leaverTable`): `user_id` and `count`. */
  counting({ effect, atMost, items, onlyGrantedBefore, without }: Counted, leavers: Sql): Sql {
    const granted = onlyGrantedBefore ? sql`and ${this.grantedBefore()}` : sql``;
    const selected = sql`${this.selection(effect, without)} ${granted}`;
    if (items) {
      const found = sql`from ${this.table} t cross join lateral (${items}) i (id) where ${selected}`;
      return sql`select l.user_id, (select count(distinct i.id) ${found}) as count from ${leavers} l`;
    }
    const found = sql`from ${this.table} t where ${selected}`;
    return sql`
      select l.user_id, (select count(*) ${atMost ? sql`from (select 1 ${found} limit ${atMost}) t` : found}) as count
      from ${leavers} l`;
  }

  /**
   * Whether the row was granted before the leaver's decision.
   * @throws TypeError if the rows do not say when they were granted
   */
  grantedBefore(): Sql {
    return sql`${this.rows.grantedAt ?? sql`t.${this.column('createdAt')}`} <= l.left_at`;
  }

  /** Whether the effect has rows left to change for one leaver. Stops at the first row. */
  async any(db: Db, effect: Effect, leaver: LeaverRow): Promise<boolean> {
    const { rows } = await sql<{ left: boolean }>`
      with ${leaverTable([leaver])}
      select exists (select 1 from l, ${this.table} t where ${this.selection(effect)}) as left`.execute(db);
    return rows[0]!.left;
  }

  /** The first `limit` ids of the selected rows, for a preview that lists them. */
  async list(db: Db, effect: Effect, leaver: LeaverRow, limit: number): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      with ${leaverTable([leaver])}
      select t.id from l, ${this.table} t where ${this.selection(effect)} order by t.id limit ${limit}`.execute(db);
    return rows.map((row) => row.id);
  }

  /**
   * Changes all rows of all leavers in one statement.
   * @param origin if it is undoable, also writes undo records for leavers that have an `undoVersion`
   * @returns the number of changed rows by user id, for leavers with any
   */
  async run(
    db: Db,
    effect: Exclude<Effect, { kind: 'none' }>,
    leavers: readonly LeaverRow[],
    now: Date,
    origin?: Origin,
  ): Promise<Map<string, number>> {
    const prepared = leavers.length > 0 ? await this.prepare(db, effect, leavers, origin) : undefined;
    if (!prepared) return new Map();
    const undo = origin?.undoable ? this.undo(effect, leavers) : undefined;
    const selected = sql`${this.selection(effect)} ${prepared.restriction}`;
    const { rows } = await sql<{ user_id: string; count: string }>`
      with ${leaverTable(leavers)},
      changed as (${this.change(effect, sql`l`, selected, now, { undo })}) ${undo ? sql`, noted as (${undo.record(origin!, prepared.lost)})` : sql``}
      select user_id, count(*) as count from changed group by user_id`.execute(db);
    return new Map(rows.map((row) => [row.user_id, Number(row.count)]));
  }

  /** Like `run`, for the next chunk of one leaver's rows, in id order. */
  async runChunk(
    db: Db,
    effect: Exclude<Effect, { kind: 'none' }>,
    leaver: LeaverRow,
    chunk: Chunk,
    now: Date,
    origin?: Origin,
  ): Promise<Changed> {
    const prepared = await this.prepare(db, effect, [leaver], origin, chunk);
    if (!prepared) return { count: 0, firstId: null };
    const undo = origin?.undoable ? this.undo(effect, [leaver]) : undefined;
    const { sharing } = chunk;
    const target = this.next(effect, chunk, prepared.restriction);
    const [by, each] = sharing ? [sql`successor,`, sql`group by successor`] : [sql``, sql``];
    const { rows } = await sql<{ count: string; first_id: string | null; successor: string }>`
      with ${leaverTable([leaver])},
      target as (${sharing ? sharedAmong(target, sharing) : target}),
      changed as (${this.change(effect, sql`target l`, this.unchangedSince(), now, { undo, sharing })}) ${undo ? sql`, noted as (${undo.record(origin!, prepared.lost)})` : sql``}
      select ${by} count(*) as count, (select id from changed order by id limit 1) as first_id from changed ${each}`.execute(
      db,
    );
    if (!sharing) return { count: Number(rows[0]!.count), firstId: rows[0]!.first_id };
    const received = new Map(rows.map(({ successor, count }) => [successor, Number(count)]));
    return { count: sumOf(received.values()), firstId: rows[0]?.first_id ?? null, received };
  }

  /** Updates the columns to which the effect wrote its due time, after the due time has changed. */
  async showDue(db: Db, effect: Effect, leaver: LeaverRow): Promise<void> {
    const dueColumns = effect.kind === 'set' ? this.entries(effect.changes).filter(([, value]) => value === DUE) : [];
    if (dueColumns.length === 0) return;
    const assignments = dueColumns.map(([column]) => sql`${column} = l.due`);
    await sql`
      with ${leaverTable([leaver])}
      update ${this.table} t set ${sql.join(assignments)} from l where ${this.selection({ kind: 'none' })}`.execute(db);
  }

  /** The SQL that writes the undo records of this effect and restores rows from them. */
  undoStatements(effect: SetEffect): UndoStatements {
    return new UndoStatements(this.em, this.rows, effect);
  }

  private undo(effect: Effect, leavers: readonly LeaverRow[]): UndoStatements | undefined {
    return effect.kind === 'set' && leavers.some((leaver) => typeof leaver.undoVersion === 'number')
      ? this.undoStatements(effect)
      : undefined;
  }

  /**
   * Locks the rows, runs the effect's local side effects and records the remote ones, if it has any.
   * @returns a condition that restricts the change to the locked rows; undefined if there are no rows to change
   */
  private async prepare(
    db: Db,
    effect: Effect,
    leavers: readonly LeaverRow[],
    origin: Origin | undefined,
    chunk?: Chunk,
  ): Promise<{ restriction: Sql; lost: RowCounts } | undefined> {
    const sideEffects = sideEffectsOf(effect);
    if (!sideEffects) return { restriction: sql``, lost: NOTHING_LOST };
    const { rows: found } = await sql<{ id: string; user_id: string }>`
      with ${leaverTable(leavers)}
      select t.id, l.user_id from l join ${this.table} t on ${this.selection(effect)} ${chunk ? afterCursor(chunk) : sql``}
      order by t.id ${chunk ? sql`limit ${chunk.rows}` : sql``} for update of t`.execute(db);
    if (found.length === 0) return undefined;
    const ids = found.map((row) => row.id);
    const byUser = new Map(leavers.map((leaver) => [leaver.userId, leaver]));
    const { local, remote } = sideEffects;
    const { sharing } = chunk ?? {};
    const owners = found.map(({ id, user_id }, n): [string, LeaverRow] => {
      const leaver = byUser.get(user_id)!;
      return [id, sharing ? { ...leaver, successor: receiverOf(sharing, n) } : leaver];
    });
    if (remote) await recordRemoteEffects(db, { table: this.table, remote, origin: origin! }, owners);
    const lost = await local?.apply(db, ids, new Map(owners));
    return { restriction: sql`and t.id = any(${ids}::uuid[])`, lost: lost ?? NOTHING_LOST };
  }

  private next(effect: Effect, chunk: Chunk, restriction: Sql): Sql {
    return sql`
      select t.id as row_id, l.* from l join ${this.table} t on ${this.selection(effect)} ${restriction} ${afterCursor(chunk)}
      order by t.id limit ${chunk.rows}`;
  }

  /** The conditions checked again on the row itself, because another transaction may have changed it since it was selected. */
  private unchangedSince(): Sql {
    const own = this.rows.person ? [sql`t.${this.column(this.rows.person)} = l.user_id`] : [];
    return sql.join([sql`t.id = l.row_id`, ...own, ...this.conditions()], sql` and `);
  }

  /** @param leavers a relation with the alias `l` */
  private change(
    effect: Exclude<Effect, { kind: 'none' }>,
    leavers: Sql,
    selected: Sql,
    now: Date,
    { undo, sharing }: { undo?: UndoStatements; sharing?: Sharing },
  ): Sql {
    if (effect.kind === 'insert') return new MarkStatements(this.em, effect.into).insert(this.table, leavers, selected);
    if (effect.kind === 'delete') {
      return sql`delete from ${this.table} t using ${leavers} where ${selected} returning l.user_id, t.id`;
    }
    const assignments = this.entries(effect.changes).map(
      ([column, value]) => sql`${column} = ${this.value(value, now)}`,
    );
    const successor = undo || sharing ? sql`, l.successor` : sql``;
    const undoColumns = undo ? sql`, ${undo.returnedValues()}` : sql``;
    return sql`
      update ${this.table} t set ${sql.join(assignments)} from ${leavers} where ${selected}
      returning l.user_id, t.id ${successor} ${undoColumns}`;
  }

  /** The condition for the rows `t` that the effect has left to change for leaver `l`; for `none`, all of them. */
  selection(effect: Effect, without: Counted['without'] = []): Sql {
    const parts: Sql[] = [];
    if (this.rows.person) parts.push(sql`t.${this.column(this.rows.person)} = l.user_id`);
    parts.push(...this.conditions());
    if (this.rows.match) parts.push(this.rows.match);
    if (effect.kind === 'set' && !(PERSON in effect.changes)) parts.push(this.pending(effect.changes));
    if (effect.kind === 'insert') parts.push(new MarkStatements(this.em, effect.into).missing());
    parts.push(...without.map((other) => sql`(${other.statements.selection(other.effect)}) is not true`));
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

  /** A row is pending until it has all fixed values of the effect. */
  private pending(changes: Changes): Sql {
    const fixed = this.entries(changes).filter(([, value]) => isFixed(value));
    if (fixed.length === 0)
      throw new TypeError(
        `${this.relation.name}: an action has to set at least one fixed value, which marks its rows as done`,
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
    if (value === LEAVER) return sql`l.user_id`;
    if (value === SUCCESSOR) return sql`l.successor`;
    if (value === DUE) return sql`l.due`;
    if (typeof value === 'object' && value !== null) return value;
    return sql`${value}`;
  }

  private column(property: string): Sql {
    return this.relation.column(property);
  }
}
