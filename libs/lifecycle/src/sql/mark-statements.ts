import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Marks } from '../declare/actions.js';
import { Relation, type Sql } from './relation.js';
import type { Db } from '../declare/where.js';

/** The SQL for marks: rows in another table that exclude a leaver from a row. */
export class MarkStatements {
  private readonly table: Sql;
  private readonly account: Sql;
  private readonly row: Sql;
  private readonly person: Sql;
  /** `table.column` of the leaver's id, for the completeness test. */
  readonly covers: string;

  constructor(em: EntityManager, marks: Marks) {
    const relation = new Relation(em, marks.entity);
    this.table = relation.table;
    this.account = relation.column('accountId');
    this.row = relation.column(marks.row);
    this.person = relation.column(marks.person);
    this.covers = `${relation.name}.${relation.columnName(marks.person)}`;
  }

  /** The condition that row `t` has no mark for leaver `l` yet. */
  missing(): Sql {
    return sql`not exists (select 1 from ${this.table} m where m.${this.row} = t.id and m.${this.person} = l.user_id)`;
  }

  /** The condition that row `t` has a mark for leaver `l`. */
  present(): Sql {
    return sql`not ${this.missing()}`;
  }

  /**
   * Marks the selected rows `t`. `for key share` skips rows that a concurrent transaction deletes.
   * @param leavers a relation with the alias `l`
   */
  insert(rows: Sql, leavers: Sql, selected: Sql): Sql {
    return sql`
      insert into ${this.table} (${this.account}, ${this.row}, ${this.person})
      select t.account_id, t.id, l.user_id from ${leavers} join ${rows} t on ${selected} for key share of t
      on conflict do nothing returning ${this.person} as user_id, ${this.row} as id`;
  }

  async remove(db: Db, userIds: readonly string[]): Promise<void> {
    await sql`delete from ${this.table} where ${this.person} = any(${[...userIds]}::uuid[])`.execute(db);
  }
}
