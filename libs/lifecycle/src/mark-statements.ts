import type { EntityManager } from '@mikro-orm/postgresql';
import { sql, type RawBuilder } from 'kysely';
import type { Marks } from './actions.js';
import type { Db } from './rule.js';

type Sql = RawBuilder<unknown>;

/** The SQL for the rows that mark others for a leaver. */
export class MarkStatements {
  private readonly table: Sql;
  private readonly account: Sql;
  private readonly row: Sql;
  private readonly person: Sql;
  /** `table.column` of the person, for the test of completeness. */
  readonly covers: string;

  constructor(em: EntityManager, marks: Marks) {
    const { tableName, properties } = em.getMetadata().get(marks.entity);
    const column = (property: string): string => {
      const known = properties[property];
      if (!known) throw new TypeError(`${tableName} has no property ${property}`);
      return known.fieldNames?.[0] ?? property;
    };
    this.table = sql.table(tableName);
    this.account = sql.ref(column('accountId'));
    this.row = sql.ref(column(marks.row));
    this.person = sql.ref(column(marks.person));
    this.covers = `${tableName}.${column(marks.person)}`;
  }

  /** Whether the row `t` has still to be marked for the leaver `l`. */
  missing(): Sql {
    return sql`not exists (select 1 from ${this.table} m where m.${this.row} = t.id and m.${this.person} = l.user_id)`;
  }

  /** Marks each row of `target` that is still as it has to be; none that somebody else is just taking away. */
  insert(rows: Sql, still: Sql): Sql {
    return sql`
      insert into ${this.table} (${this.account}, ${this.row}, ${this.person})
      select t.account_id, t.id, target.user_id from target join ${rows} t on ${still} for key share of t
      on conflict do nothing returning ${this.person} as user_id, ${this.row} as id`;
  }

  async takeBack(db: Db, userIds: readonly string[]): Promise<void> {
    await sql`delete from ${this.table} where ${this.person} = any(${[...userIds]}::uuid[])`.execute(db);
  }
}
