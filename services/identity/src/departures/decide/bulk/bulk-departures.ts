import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  BULK_MAX,
  Problem,
  type BulkFile,
  type BulkQuery,
  type BulkRequest,
  type Principal,
  type Role,
  type StartedBulk,
} from '#libs/contracts';
import { Clock, Ids, AfterCommit } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import { checkRequest } from '../../plan/planner.js';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { momentAfter } from '../../../common/moments.js';
import { Actors } from '../../../user/actors.js';
import { BulkFiles, type NamedRow } from './bulk-files.js';
import { BulkWorker } from './bulk.worker.js';

/** Accepts bulk departures. A worker decides the rows later, so that the response is immediate. */
@Injectable()
export class BulkDepartures {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly catalogue: Catalogue,
    private readonly files: BulkFiles,
    private readonly worker: BulkWorker,
    private readonly afterCommit: AfterCommit,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `forbidden`, `validation`; for invalid overrides or successors `unknown-rule`, `invalid-action` */
  async start(principal: Principal, query: BulkQuery, body: BulkRequest | BulkFile): Promise<StartedBulk> {
    const { accountId, userId } = principal;
    const roles = await this.actors.requireManager(principal);
    const request = 'csv' in body ? fromQuery(query) : body;
    const rows: NamedRow[] = 'csv' in body ? await this.files.read(accountId, body.csv) : body.users;
    if (rows.length === 0 || rows.length > BULK_MAX)
      throw invalid('users', `users must have 1 to ${BULK_MAX.toLocaleString('en')} entries`);
    const effectiveAt = request.effectiveAt && momentAfter('effectiveAt', request.effectiveAt, this.clock.millis());
    await this.check(request, rows);
    const id = this.ids.next();
    await this.insert(id, principal, roles, { ...request, effectiveAt });
    await this.insertRows(id, rows);
    const detail = { bulkId: id, transition: request.transition, users: rows.length };
    await this.audit.append([{ accountId, action: 'departure.bulk-requested', actorId: userId, detail }]);
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }

  private async check({ transition, successors, overrides }: Request, rows: NamedRow[]): Promise<void> {
    const catalogue = await this.catalogue.rules();
    checkRequest(catalogue, transition, { successors, overrides });
    const ruleIds = new Set(rows.flatMap((row) => Object.keys(row.successors ?? {})));
    checkRequest(catalogue, transition, { successors: Object.fromEntries([...ruleIds].map((rule) => [rule, ''])) });
  }

  private async insert(id: string, principal: Principal, roles: readonly Role[], request: Request): Promise<void> {
    const { transition, effectiveAt, reason, successors = {}, overrides = {} } = request;
    await sql`
      insert into bulk_departure (id, account_id, transition, requested_by, requested_as, requested_at, effective_at, reason,
        successors, overrides)
      values (${id}, ${principal.accountId}, ${transition}, ${principal.userId}, ${[...roles]}::text[], ${this.clock.now()},
        ${effectiveAt ?? null}, ${reason ?? null}, ${JSON.stringify(successors)}::jsonb, ${JSON.stringify(overrides)}::jsonb)`.execute(
      this.em.getKysely(),
    );
  }

  /** Rows that repeat a user, or whose staff id is unknown, are refused immediately. */
  private async insertRows(id: string, rows: readonly NamedRow[]): Promise<void> {
    const seen = new Set<string>();
    const entries = rows.map(({ userId, successors = {} }, index) => {
      const fault = userId === null ? UNKNOWN_STAFF_ID : seen.has(userId) ? NAMED_AGAIN : undefined;
      if (userId !== null) seen.add(userId);
      return { n: index + 1, user_id: userId, successors, code: fault?.code ?? null, detail: fault?.detail ?? null };
    });
    await sql`
      insert into bulk_departure_row (bulk_id, n, user_id, successors, code, detail)
      select ${id}::uuid, n.* from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
        as n (n int, user_id uuid, successors jsonb, code text, detail text)`.execute(this.em.getKysely());
  }
}

type Request = Pick<BulkRequest, 'transition' | 'effectiveAt' | 'reason' | 'successors' | 'overrides'>;

const UNKNOWN_STAFF_ID = { code: 'unknown-user', detail: 'No user has this staff id.' };
const NAMED_AGAIN = { code: 'conflict', detail: 'The user is named in an earlier row.' };

function fromQuery({ transition }: BulkQuery): Request {
  if (!transition) throw invalid('transition', 'transition is required');
  return { transition };
}

const invalid = (field: string, message: string) => new Problem('validation', { errors: [{ field, message }] });
