import type { EntityManager } from '@mikro-orm/postgresql';
import type { AppliedTransition } from '#libs/contracts';
import { sql } from 'kysely';
import { DUE, LEAVER, NOW, PERSON, SUCCESSOR, type SetEffect, type Value } from '../declare/actions.js';
import type { RowCounts } from '../declare/side-effects.js';
import { Relation, type Sql } from './relation.js';
import type { Db, Rows } from '../declare/where.js';

/** The step on whose behalf a statement changes rows. */
export interface Origin {
  rule: string;
  part: string;
  transition: AppliedTransition;
  /** Whether a reactivation can restore the rows on request. */
  undoable: boolean;
}

/** What a restoration would do with recorded rows. All but `given` stay as they are. */
export interface CountedUndo {
  given: number;
  /** Whether a value would not be restored because it names another user who has left since. */
  partly: boolean;
  deleted: number;
  /** Rows of another user, who is not the successor. */
  taken: number;
  changed: number;
}

/**
 * The SQL for undo records: the statement that changes rows also records them, and a restoration reads the record. Most
 * former values follow from the rule: the person column named the leaver, and the columns of the rule's conditions held
 * the required values. The record stores only the other values.
 */
export class UndoStatements {
  private readonly relation: Relation;
  private readonly changes: readonly [string, Value][];

  constructor(
    em: EntityManager,
    private readonly rows: Rows,
    private readonly effect: SetEffect,
  ) {
    this.relation = new Relation(em, rows.entity);
    const named = Object.entries(effect.changes);
    this.changes = PERSON in effect.changes ? [[rows.person!, effect.changes[PERSON] as Value], ...named] : named;
    for (const property of this.remembered) {
      if (this.relation.columnType(property) === 'personal')
        throw new TypeError(`${this.relation.name}: ${property} is personal and must not be stored in an undo record`);
    }
  }

  /** Properties whose former values do not follow from the rule. */
  private get remembered(): string[] {
    return this.changes.map(([property]) => property).filter((property) => this.impliedValue(property) === undefined);
  }

  /** Properties whose new values depend on the row. */
  private get computed(): string[] {
    return this.changes
      .filter(([, value]) => typeof value === 'object' && value !== null)
      .map(([property]) => property);
  }

  /** The `before` and `after` columns for `returning`. */
  returnedValues(): Sql {
    return sql`${this.values('old', this.remembered)} as before, ${this.values('new', this.computed)} as after`;
  }

  private values(which: 'old' | 'new', properties: readonly string[]): Sql {
    if (properties.length === 0) return sql`null::jsonb`;
    const pairs = properties.map((property) => {
      const name = this.relation.columnName(property);
      return sql`${sql.lit(name)}, ${sql.ref(`${which}.${name}`)}`;
    });
    return sql`jsonb_build_object(${sql.join(pairs)})`;
  }

  /**
   * Inserts one undo record per leaver for the rows of the CTE `changed`. `row_ids`, `before` and `after` are parallel:
   * they aggregate the same rows in the same order.
   * @param lost rows of other tables that cannot be restored, by the id of the row that they belonged to
   */
  record({ rule, part }: Origin, lost: RowCounts): Sql {
    const listed = (name: 'before' | 'after', properties: readonly string[]) =>
      properties.length > 0 ? sql`jsonb_agg(c.${sql.ref(name)})` : sql`null::jsonb`;
    return sql`
      insert into undo (user_id, lifecycle_version, rule, part, successor, row_ids, before, after, lost)
      select c.user_id, l.undo_version, ${rule}, ${part}, c.successor, array_agg(c.id), ${listed('before', this.remembered)}, ${listed('after', this.computed)},
        coalesce(sum(x.lost), 0)
      from changed c join l on l.user_id = c.user_id
      left join unnest(${[...lost.keys()]}::uuid[], ${[...lost.values()]}::bigint[]) x (id, lost) on x.id = c.id
      where l.undo_version is not null group by c.user_id, l.undo_version, c.successor`;
  }

  /**
   * Deletes one undo record and restores its rows, except those that have changed since the effect. A value that names
   * another user who has left since is not restored: the column keeps its current value. The directory rows of named users
   * are locked so that they cannot leave in between.
   * @returns the restored rows, and whether a value was not restored
   */
  async restore(db: Db, userId: string, noteId: string, now: Date): Promise<{ ids: string[]; partly: boolean }> {
    const { table } = this.relation;
    const assignments = this.changes.map(
      ([property]) => sql`${this.relation.column(property)} = ${this.formerValue(property)}`,
    );
    const { rows } = await sql<{ ids: string[]; partly: boolean }>`
      with note as materialized (delete from undo where user_id = ${userId} and id = ${noteId} returning *),
      was as materialized (
        select n.user_id, n.successor, r.id, r.before, r.after from note n cross join lateral
          rows from (unnest(n.row_ids), jsonb_array_elements(n.before), jsonb_array_elements(n.after)) as r (id, before, after)),
      held as materialized (
        select d.user_id from directory d where d.status = 'active' and d.user_id in (${this.people()}) order by d.user_id for key share),
      given as (
        update ${table} t set ${sql.join(assignments)}
        from was ${this.read('before', 'b', this.remembered)} ${this.read('after', 'a', this.computed)}
        where ${sql.join([sql`t.id = was.id`, ...this.unchanged(now)], sql` and `)}
        returning t.id::uuid as id, ${this.isPartial()} as partly)
      select coalesce(array_agg(id), '{}') as ids, coalesce(bool_or(partly), false) as partly from given`.execute(db);
    return rows[0]!;
  }

  /**
   * Counts what `restore` would do with these records, and changes nothing. A row that several records name counts once.
   * @param noteIds records of this effect
   */
  async count(db: Db, userId: string, noteIds: readonly string[], now: Date): Promise<CountedUndo> {
    const { table } = this.relation;
    const { person } = this.rows;
    const fits = sql.join([sql`t.id is not null`, ...this.unchanged(now)], sql` and `);
    const owner = person ? sql`t.${this.relation.column(person)}` : sql`null::uuid`;
    const taken = sql`${owner} <> was.user_id and ${owner} is distinct from was.successor`;
    const { rows } = await sql<CountedUndo>`
      with was as materialized (
        select n.user_id, n.successor, r.id, r.before, r.after from undo n cross join lateral
          rows from (unnest(n.row_ids), jsonb_array_elements(n.before), jsonb_array_elements(n.after)) as r (id, before, after)
        where n.user_id = ${userId} and n.id = any(${[...noteIds]}::bigint[])),
      held as materialized (
        select d.user_id from directory d where d.status = 'active' and d.user_id in (${this.people()})),
      seen as (
        select was.id, bool_or(t.id is null) as deleted, bool_or(coalesce(${fits}, false)) as fits,
          bool_or(coalesce(${taken}, false)) as taken, bool_or(coalesce(${fits}, false) and ${this.isPartial()}) as partly
        from was ${this.read('before', 'b', this.remembered)} ${this.read('after', 'a', this.computed)}
        left join ${table} t on t.id = was.id group by was.id)
      select count(*) filter (where fits)::float8 as given, coalesce(bool_or(partly), false) as partly,
        count(*) filter (where not fits and deleted)::float8 as deleted,
        count(*) filter (where not fits and not deleted and taken)::float8 as taken,
        count(*) filter (where not fits and not deleted and not taken)::float8 as changed from seen`.execute(db);
    return rows[0]!;
  }

  /**
   * Reads the recorded values in the column types of the table. The type is qualified with `public`, because an unqualified
   * table name may also be the name of another type.
   */
  private read(list: 'before' | 'after', alias: 'a' | 'b', properties: readonly string[]): Sql {
    if (properties.length === 0) return sql``;
    const type = sql.id('public', this.relation.name);
    return sql`cross join lateral jsonb_populate_record(null::${type}, was.${sql.ref(list)}) ${sql.raw(alias)}`;
  }

  /** The former value as it follows from the rule; undefined if only the undo record has it. */
  private impliedValue(property: string): Sql | undefined {
    if (property === this.rows.person) return sql`was.user_id`;
    const wanted = this.rows.where[property];
    return wanted === undefined || Array.isArray(wanted) ? undefined : sql`${wanted}`;
  }

  private formerValue(property: string): Sql {
    const noted = sql`b.${this.relation.column(property)}`;
    const known = this.impliedValue(property);
    if (known) return known;
    if (this.relation.columnType(property) !== 'user_ref') return noted;
    return sql`case when ${this.hasLeft(noted)} then t.${this.relation.column(property)} else ${noted} end`;
  }

  private hasLeft(noted: Sql): Sql {
    return sql`(${noted} is not null and ${noted} <> was.user_id and ${noted} not in (select user_id from held))`;
  }

  /** Whether a value of the row was not restored because it names another user who has left since. */
  private isPartial(): Sql {
    const people = this.remembered.filter((property) => this.relation.columnType(property) === 'user_ref');
    if (people.length === 0) return sql`false`;
    return sql.join(
      people.map((property) => {
        const [column, noted] = [this.relation.column(property), sql`b.${this.relation.column(property)}`];
        return sql`(${this.hasLeft(noted)} and t.${column} is distinct from ${noted})`;
      }),
      sql` or `,
    );
  }

  /** All user ids among the recorded values. */
  private people(): Sql {
    const named = this.remembered
      .filter((property) => this.relation.columnType(property) === 'user_ref')
      .map((property) => sql`select (before ->> ${sql.lit(this.relation.columnName(property))})::uuid from was`);
    return named.length > 0 ? sql.join(named, sql` union `) : sql`null`;
  }

  /** The conditions that a row is still as the effect left it and is still covered by the rule. */
  private unchanged(now: Date): Sql[] {
    const changed = new Set(this.changes.map(([property]) => property));
    const others = Object.entries(this.rows.where).filter(([property]) => !changed.has(property));
    const { person } = this.rows;
    return [
      ...(person && !changed.has(person) ? [sql`t.${this.relation.column(person)} = was.user_id`] : []),
      ...others.map(([property, wanted]) => {
        const column = sql`t.${this.relation.column(property)}`;
        if (wanted === null) return sql`${column} is null`;
        return Array.isArray(wanted) ? sql`${column} = any(${wanted})` : sql`${column} = ${wanted}`;
      }),
      ...this.changes.flatMap(([property, value]) => this.asSet(property, value)),
      ...(this.effect.returnsIf ? [this.effect.returnsIf(now)] : []),
    ];
  }

  private asSet(property: string, value: Value): Sql[] {
    const column = sql`t.${this.relation.column(property)}`;
    // A time does not show who set it.
    if (value === NOW || value === DUE) return [];
    if (value === LEAVER) return [sql`${column} = was.user_id`];
    if (value === SUCCESSOR) return [sql`${column} = was.successor`];
    if (value === null) return [sql`${column} is null`];
    if (typeof value === 'object') return [sql`${column} is not distinct from a.${this.relation.column(property)}`];
    return [sql`${column} = ${value}`];
  }
}
