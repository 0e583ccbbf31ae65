import type { RowAnswer, RowPage } from '#libs/contracts';
import { sql } from 'kysely';
import type { Effect } from '../declare/actions.js';
import type { LeaverRow } from '../declare/leaver.js';
import { LABELS, seenBy, type Asker, type Shown } from '../declare/shown.js';
import type { Db, Rows } from '../declare/where.js';
import { leaverTable } from './leaver-table.js';
import { MarkStatements } from './mark-statements.js';
import type { Sql } from './relation.js';
import type { Counted, Statements } from './statements.js';

/** Characters of a label. */
const LONGEST_LABEL = 200;

/** The next `limit` rows in id order, after the id `after`. */
export interface PageOf {
  after: string | null;
  limit: number;
}

interface FoundRow {
  id: string;
  label: string | null;
  holder: string | null;
  seen: boolean;
}

/** Which of the selected rows a page is about. */
type Selected = 'pending' | 'marked';

/** The SQL that shows rows of one kind to an asker, page by page. The selection is that of the count. */
export class RowPages {
  constructor(
    private readonly statements: Statements,
    /** The rows of the rule, which say how they are shown. */
    private readonly rows: Rows,
    private readonly asker: Asker,
    /** The rows of these are left out, as in the count. */
    private readonly without: Counted['without'] = [],
  ) {}

  /** The rows that the effect has left to change; `marked`: those that it has excluded the leaver from. */
  async selected(
    db: Db,
    effect: Effect,
    leaver: LeaverRow,
    { after, limit }: PageOf,
    which: Selected = 'pending',
  ): Promise<RowPage> {
    const { table } = this.statements.relation;
    const selection = which === 'marked' ? this.marked(effect) : this.statements.selection(effect, this.without);
    // The page comes first, so that labels are read for its rows only.
    const { rows } = await sql<FoundRow>`
      with ${leaverTable([leaver])}, a as (select ${this.asker.userId}::uuid as user_id),
      page as materialized (
        select t.id from l, ${table} t where ${selection} ${after ? sql`and t.id > ${after}::uuid` : sql``}
        order by t.id limit ${limit + 1})
      select ${this.columns()} from page join ${table} t on t.id = page.id, a order by t.id`.execute(db);
    const page = rows.slice(0, limit).map((row) => this.answer(row));
    return { rows: page, next: rows.length > limit ? page.at(-1)!.id : null, gone: 0 };
  }

  /** The ids of items of another service that go along with the rows. This service has no label for them. */
  async items(
    db: Db,
    effect: Effect,
    leaver: LeaverRow,
    { items, type }: { items: Sql; type: string },
    { after, limit }: PageOf,
  ): Promise<RowPage> {
    const { rows } = await sql<{ id: string }>`
      with ${leaverTable([leaver])}
      select distinct i.id from l, ${this.statements.relation.table} t cross join lateral (${items}) i (id)
      where ${this.statements.selection(effect, this.without)} ${after ? sql`and i.id > ${after}::uuid` : sql``}
      order by i.id limit ${limit + 1}`.execute(db);
    const page = rows.slice(0, limit).map(({ id }) => ({ id, type, label: id }));
    return { rows: page, next: rows.length > limit ? page.at(-1)!.id : null, gone: 0 };
  }

  /** Those of these rows of the account that still exist, in the order of their ids. */
  async existing(db: Db, ids: readonly string[], accountId: string): Promise<RowAnswer[]> {
    const { relation } = this.statements;
    // A row can have gone to another account, such as a phone number that was released.
    const own = relation.has('accountId') ? sql`and t.${relation.column('accountId')} = ${accountId}` : sql``;
    const { rows } = await sql<FoundRow>`
      with a as (select ${this.asker.userId}::uuid as user_id)
      select ${this.columns()} from ${relation.table} t, a where t.id = any(${[...ids]}::uuid[]) ${own}
      order by t.id`.execute(db);
    return rows.map((row) => this.answer(row));
  }

  /** Without the person of the row, whom the mark names. */
  private marked(effect: Effect): Sql {
    if (effect.kind !== 'insert') throw new TypeError(`${this.statements.tableName}: its rows have no marks`);
    const marks = new MarkStatements(this.statements.em, effect.into);
    return sql`${this.statements.selection({ kind: 'none' })} and ${marks.present()}`;
  }

  /** The label of a row that the asker does not see is not read at all. */
  private columns(): Sql {
    const seen = this.seen();
    return sql`t.id, case when ${seen} then ${this.label()} end as label, ${seen} as seen, ${this.holder()} as holder`;
  }

  private seen(): Sql {
    const { shown, person } = this.rows;
    if (!shown) return sql`true`;
    return seenBy(shown, this.asker, person ? sql`t.${this.column(person)} = a.user_id` : undefined);
  }

  private label(): Sql {
    const { shown } = this.rows;
    return shown ? labelOf(this.statements, shown) : sql`t.id::text`;
  }

  private holder(): Sql {
    const { shown, person } = this.rows;
    return shown?.holder ?? (person ? sql`t.${this.column(person)}` : sql`null::uuid`);
  }

  private column(property: string): Sql {
    return this.statements.relation.column(property);
  }

  private answer({ id, label, seen, holder }: FoundRow): RowAnswer {
    const type = this.rows.shown?.type ?? this.statements.tableName.replaceAll('_', '-');
    return {
      id,
      type,
      label: seen ? label : null,
      ...(!seen && { hidden: true }),
      ...(holder && { holderId: holder }),
    };
  }
}

/**
 * The label of row `t`, as SQL. A row without a text is shown by its id.
 * @throws TypeError if the declaration names no label and the entity has none of the usual properties
 */
export function labelOf({ relation }: Statements, shown: Shown): Sql {
  const label = shown.label ?? LABELS.find((name) => relation.has(name));
  if (label === undefined)
    throw new TypeError(`${relation.name}: say which label a ${shown.type} has: it has no ${LABELS.join(', ')}`);
  const text = typeof label === 'string' ? sql`t.${relation.column(label)}` : label;
  return sql`coalesce(nullif(left((${text})::text, ${LONGEST_LABEL}), ''), t.id::text)`;
}
