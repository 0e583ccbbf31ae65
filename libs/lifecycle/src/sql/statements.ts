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
  type Changes,
  type Effect,
  type SetEffect,
  type Value,
} from '../declare/actions.js';
import { leaverTable } from './leaver-table.js';
import type { LeaverRow } from '../declare/leaver.js';
import { MarkStatements } from './mark-statements.js';
import { Relation, type Sql } from './relation.js';
import type { Db, Rows } from '../declare/where.js';
import { UndoStatements, type UndoRecordKey } from './undo-statements.js';

/** Of which rows, and of whom. */
export interface Counting {
  statements: Statements;
  effect: Effect;
  leavers: readonly LeaverRow[];
  /** Where the count may end. */
  atMost?: number;
}

/** So many rows behind this id. */
export interface Chunk {
  rows: number;
  after?: string | null;
}

export interface Changed {
  count: number;
  /**
   * The first of them. The next chunk begins its search there, not behind the last: it meets the index entries of the rows
   * that are gone while they are still at hand, and marks them as dead. Otherwise whoever asks at the end whether anything
   * is left would have to look at all of them at once.
   */
  firstId: string | null;
}

const behind = ({ after }: Chunk): Sql => (after ? sql`and t.id > ${after}::uuid` : sql``);

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

  get tableName(): string {
    return this.relation.name;
  }

  /** The same for effects that happen on the same rows of these, as far as that can be told. */
  selectionOf(effect: Effect): Effect | 'all' {
    return effect.kind === 'none' || removesRows(effect) ? 'all' : effect;
  }

  /**
   * A row a leaver, with `user_id` and `count`.
   * @param leavers a relation as `leaverTable` makes it
   */
  counting({ effect, atMost }: Pick<Counting, 'effect' | 'atMost'>, leavers: Sql): Sql {
    const found = sql`from ${this.table} t where ${this.selection(effect)}`;
    return sql`
      select l.user_id, (select count(*) ${atMost ? sql`from (select 1 ${found} limit ${atMost}) t` : found}) as count
      from ${leavers} l`;
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
   * Changes all rows of all leavers at once, and tells how many of whose.
   * @param note writes down with the change which rows of whom it is, where the leaver is `undoVersion` something
   */
  async run(
    db: Db,
    effect: Exclude<Effect, { kind: 'none' }>,
    leavers: readonly LeaverRow[],
    now: Date,
    note?: UndoRecordKey,
  ): Promise<Map<string, number>> {
    const among = leavers.length > 0 ? await this.prepare(db, effect, leavers) : undefined;
    if (!among) return new Map();
    const undo = note && this.undo(effect, leavers);
    const selected = sql`${this.selection(effect)} ${among}`;
    const { rows } = await sql<{ user_id: string; count: string }>`
      with ${leaverTable(leavers)},
      changed as (${this.change(effect, sql`l`, selected, now, undo)}) ${undo ? sql`, noted as (${undo.record(note)})` : sql``}
      select user_id, count(*) as count from changed group by user_id`.execute(db);
    return new Map(rows.map((row) => [row.user_id, Number(row.count)]));
  }

  /** The same for the next rows of one leaver, in the order of their ids. */
  async runChunk(
    db: Db,
    effect: Exclude<Effect, { kind: 'none' }>,
    leaver: LeaverRow,
    chunk: Chunk,
    now: Date,
    note?: UndoRecordKey,
  ): Promise<Changed> {
    const among = await this.prepare(db, effect, [leaver], chunk);
    if (!among) return { count: 0, firstId: null };
    const undo = note && this.undo(effect, [leaver]);
    const { rows } = await sql<{ count: string; first_id: string | null }>`
      with ${leaverTable([leaver])},
      target as (${this.next(effect, chunk, among)}),
      changed as (${this.change(effect, sql`target l`, this.unchangedSince(), now, undo)}) ${undo ? sql`, noted as (${undo.record(note)})` : sql``}
      select count(*) as count, (select id from changed order by id limit 1) as first_id from changed`.execute(db);
    return { count: Number(rows[0]!.count), firstId: rows[0]!.first_id };
  }

  /** The SQL by which what a change has noted is undone. */
  undoStatements(effect: SetEffect): UndoStatements {
    return new UndoStatements(this.em, this.rows, effect);
  }

  private undo(effect: Effect, leavers: readonly LeaverRow[]): UndoStatements | undefined {
    return effect.kind === 'set' && leavers.some((leaver) => typeof leaver.undoVersion === 'number')
      ? this.undoStatements(effect)
      : undefined;
  }

  /**
   * Where other tables have to change along with the rows: locks those and changes the others.
   * @returns the condition that leaves out any other rows; undefined where there are none to change
   */
  private async prepare(
    db: Db,
    effect: Effect,
    leavers: readonly LeaverRow[],
    chunk?: Chunk,
  ): Promise<Sql | undefined> {
    const sideEffects = effect.kind === 'set' || effect.kind === 'delete' ? effect.sideEffects : undefined;
    if (!sideEffects) return sql``;
    const { rows: found } = await sql<{ id: string; user_id: string }>`
      with ${leaverTable(leavers)}
      select t.id, l.user_id from l join ${this.table} t on ${this.selection(effect)} ${chunk ? behind(chunk) : sql``}
      order by t.id ${chunk ? sql`limit ${chunk.rows}` : sql``} for update of t`.execute(db);
    if (found.length === 0) return undefined;
    const ids = found.map((row) => row.id);
    const byUser = new Map(leavers.map((leaver) => [leaver.userId, leaver]));
    await sideEffects(db, ids, new Map(found.map((row) => [row.id, byUser.get(row.user_id)!])));
    return sql`and t.id = any(${ids}::uuid[])`;
  }

  private next(effect: Effect, chunk: Chunk, among: Sql): Sql {
    return sql`
      select t.id as row_id, l.* from l join ${this.table} t on ${this.selection(effect)} ${among} ${behind(chunk)}
      order by t.id limit ${chunk.rows}`;
  }

  /** Checked again on the row itself, which somebody else may have changed since it was selected. */
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
    undo?: UndoStatements,
  ): Sql {
    if (effect.kind === 'insert') return new MarkStatements(this.em, effect.into).insert(this.table, leavers, selected);
    if (effect.kind === 'delete') {
      return sql`delete from ${this.table} t using ${leavers} where ${selected} returning l.user_id, t.id`;
    }
    const assignments = this.entries(effect.changes).map(
      ([column, value]) => sql`${column} = ${this.value(value, now)}`,
    );
    const memories = undo ? sql`, l.successor, ${undo.returnedValues()}` : sql``;
    return sql`
      update ${this.table} t set ${sql.join(assignments)} from ${leavers} where ${selected}
      returning l.user_id, t.id ${memories}`;
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
