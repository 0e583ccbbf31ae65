import { cutText } from '#libs/contracts';
import { Clock, Directory, Ids, type CurrentUser } from '#libs/database';
import { isRetryable } from '#libs/jobs';
import type { Db } from '#libs/lifecycle';
import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Batch, Columns } from './batches.js';
import { OWNER_HAS_LEFT, OwnerHasLeft, UPLOADER_HAS_LEFT } from './owner-has-left.js';
import { matchStaff, staffIdsIn, type Staff } from './staff.js';
import type { ImportedRow } from './rows.js';

/** Maximum number of unmatched rows, and of rejected rows, that an import lists. */
const MAX_LISTED = 1_000;
/** Maximum length of a listed value, in characters; longer values are cut. */
export const LONGEST_VALUE = 200;
const ATTEMPTS = 5;

/** Another replica has advanced the import in the meantime, or the import has ended. */
export class StaleImport extends Error {}

/** A batch with everything that can be computed before it is written. */
export interface PreparedBatch extends Batch {
  accountId: string;
  columns: Columns;
  /** One row per contact: the last one in the batch. */
  contacts: ImportedRow[];
  /** An id for each entry of `contacts`, used if the contact is new. */
  ids: string[];
}

interface Import {
  id: string;
  account_id: string;
  rows_done: string;
  created: string;
  unmatched_total: string;
  rejected_total: string;
  owner_id: string | null;
  /** Null for a file of an import source. */
  imported_by: string | null;
}

interface Counts {
  created: string;
  updated: string;
  assigned: string;
  cleared: string;
}

type Fragment = ReturnType<typeof sql>;

/** Writes each batch of an import together with its progress in one transaction, so an import resumes after a crash. */
@Injectable()
export class BatchWriter {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly directory: Directory,
  ) {}

  prepare(batch: Batch & { columns: Columns; accountId: string }): PreparedBatch {
    const contacts = [...new Map(batch.rows.map((row) => [row.externalId, row])).values()];
    return { ...batch, contacts, ids: contacts.map(() => this.ids.next()) };
  }

  /** Asks identity whose the staff ids in the batch are. */
  private currentStaff({ accountId, rows }: PreparedBatch): Promise<CurrentUser[]> {
    const staffIds = staffIdsIn(rows);
    if (staffIds.length === 0) return Promise.resolve([]);
    return RequestContext.create(this.em, () => this.directory.current(accountId, { staffIds }));
  }

  /**
   * @param meanwhile called once the long statement has been sent: the caller can prepare the next batch while the
   *   database works
   * @throws StaleImport if the import is not running, or expects a different batch next; OwnerHasLeft
   * @throws Problem `service-unavailable` if identity does not answer
   */
  async write(importId: string, batch: PreparedBatch, meanwhile: () => void = () => undefined): Promise<void> {
    const staff = await this.currentStaff(batch);
    for (let attempt = 1; ; attempt++) {
      const turn = { again: attempt > 1, meanwhile, current: staff };
      try {
        return await this.em.fork().transactional((em) => this.writeOnce(em.getKysely(), importId, batch, turn));
      } catch (error) {
        if (attempt === ATTEMPTS || !(isRetryable(error) || isDuplicate(error) || mayHaveNewOwner(error, attempt)))
          throw error;
      }
    }
  }

  private async writeOnce(
    db: Db,
    importId: string,
    batch: PreparedBatch,
    { again, meanwhile, current }: { again: boolean; meanwhile: () => void; current: readonly CurrentUser[] },
  ): Promise<void> {
    const { rows: found } = await sql<Import>`
      select i.id, i.account_id, i.rows_done, i.created, i.unmatched_total, i.rejected_total, i.imported_by,
        coalesce(i.imported_by, s.owner_id) as owner_id
      from contact_import i left join import_source s on s.id = i.source_id
      where i.id = ${importId} and i.status = 'running' and i.rows_done = ${batch.from} for update of i`.execute(db);
    const [target] = found;
    if (!target) throw new StaleImport();
    const staff = await matchStaff(db, current, target.owner_id);
    if (staff.ownerHasLeft) throw new OwnerHasLeft(target.imported_by ? UPLOADER_HAS_LEFT : OWNER_HAS_LEFT);
    const mayExist = again || !hasCreatedAll(target);
    const written = this.writeContacts(db, target, tableOf(batch, staff), mayExist ? updating(batch.columns) : sql``);
    // Runs after the statement has been sent.
    setImmediate(meanwhile);
    const counts = await written;
    const unmatched = batch.rows.filter(({ staffId }) => staffId !== null && !staff.active.has(staffId));
    await recordUnmatched(db, target, unmatched, staff);
    await recordRejected(db, target, batch);
    await sql`
      update contact_import set rows_done = ${batch.to}, created = created + ${counts.created}, updated = updated + ${counts.updated},
        assigned = assigned + ${counts.assigned}, cleared = cleared + ${counts.cleared}, attempts = 0, touched_at = ${this.clock.now()},
        unmatched_total = unmatched_total + ${unmatched.length}, rejected_total = rejected_total + ${batch.rejected.length}
      where id = ${target.id}`.execute(db);
  }

  private async writeContacts(db: Db, target: Import, incoming: Fragment, onConflict: Fragment): Promise<Counts> {
    const now = this.clock.now();
    const { rows: counted } = await sql<Counts>`
      with written as (
        insert into contact as c (id, account_id, external_id, name, phone, email, assignee, assigned_at, created_at, import_id)
        select n.id, ${target.account_id}, n.external_id, n.name, n.phone, n.email, n.assignee, ${now}, ${now}, ${target.id}
        from ${incoming} order by n.external_id collate "C"
        ${onConflict}
        returning old.id is null as is_new, old.import_id is not distinct from new.import_id as again, new.assigned_before,
          old.assignee is not null as was_assigned, new.assignee is not null as is_assigned)
      select count(*) filter (where is_new) as created, count(*) filter (where not is_new and not again) as updated,
        count(*) filter (where is_assigned) - count(*) filter (where again and was_assigned) as assigned,
        count(*) filter (where assigned_before and not is_assigned)
          - count(*) filter (where again and assigned_before and not was_assigned) as cleared
      from written`.execute(db);
    return counted[0]!;
  }
}

/** The batch inserted a contact that already exists (PostgreSQL `unique_violation`). */
const isDuplicate = (error: unknown): boolean => (error as { code?: unknown }).code === '23505';

/** The owner was read before the departure ended: the source may have another one since. */
const mayHaveNewOwner = (error: unknown, attempt: number): boolean => error instanceof OwnerHasLeft && attempt === 1;

/**
 * If all contacts so far were new, the next batch is inserted without `on conflict`, which PostgreSQL does a third
 * faster. The first batch with a known contact then fails and is written again.
 */
const hasCreatedAll = ({ rows_done, created, rejected_total }: Import): boolean =>
  Number(rows_done) > 0 && Number(rows_done) === Number(created) + Number(rejected_total);

/** If a contact occurs several times, the last row wins, across batches too. */
function updating(columns: Columns): Fragment {
  const given = Object.entries(columns).flatMap(([name, there]) => (there ? [sql.ref(name)] : []));
  const replaced = given.map((column) => sql`${column} = excluded.${column},`);
  return sql`
    on conflict (account_id, external_id) do update set ${sql.join(replaced, sql` `)} assignee = excluded.assignee, assigned_at = excluded.assigned_at, import_id = excluded.import_id,
      assigned_before = case when c.import_id = excluded.import_id then c.assigned_before else c.assignee is not null end`;
}

function tableOf({ contacts, ids }: PreparedBatch, staff: Staff): Fragment {
  const column = (value: (row: ImportedRow) => string | null) => contacts.map(value);
  return sql`unnest(${ids}::uuid[], ${column((row) => row.externalId)}::text[],
    ${column((row) => row.name ?? null)}::text[], ${column((row) => row.phone ?? null)}::text[], ${column((row) => row.email ?? null)}::text[],
    ${column((row) => (row.staffId === null ? null : (staff.active.get(row.staffId) ?? null)))}::uuid[]
  ) as n (id, external_id, name, phone, email, assignee)`;
}

async function recordUnmatched(db: Db, target: Import, unmatched: readonly ImportedRow[], staff: Staff): Promise<void> {
  const listed = unmatched.slice(0, Math.max(0, MAX_LISTED - Number(target.unmatched_total)));
  if (listed.length === 0) return;
  const gone = listed.map(({ staffId }) => staff.gone.get(staffId!) ?? null);
  const values = listed.map(({ staffId }, index) => (gone[index] ? null : cutText(staffId!, LONGEST_VALUE)));
  await sql`
    insert into contact_import_unmatched (import_id, row_no, value, user_id)
    select ${target.id}, n.* from unnest(${listed.map(({ row }) => row)}::bigint[], ${values}::text[], ${gone}::uuid[]) as n`.execute(
    db,
  );
}

async function recordRejected(db: Db, target: Import, { rejected }: Batch): Promise<void> {
  const listed = rejected.slice(0, Math.max(0, MAX_LISTED - Number(target.rejected_total)));
  if (listed.length === 0) return;
  await sql`
    insert into contact_import_rejected (import_id, row_no, reason)
    select ${target.id}, n.* from unnest(${listed.map(({ row }) => row)}::bigint[], ${listed.map(({ reason }) => reason)}::text[]) as n`.execute(
    db,
  );
}
