import { Injectable } from '@nestjs/common';
import { BULK_MAX, Problem, type BulkFile, type BulkQuery, type BulkRequest } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { momentAfter } from '../../../common/moments.js';
import { checkRequest } from '../../plan/planner.js';
import { BulkFiles, type NamedRow } from './bulk-files.js';

export interface ReadBulk extends Pick<
  BulkRequest,
  'transition' | 'effectiveAt' | 'reason' | 'successors' | 'overrides' | 'tellContacts'
> {
  rows: NamedRow[];
}

/** Reads and checks requests for bulk departures, which name their people in JSON or in a file. */
@Injectable()
export class BulkRequests {
  constructor(
    private readonly files: BulkFiles,
    private readonly catalogue: Catalogue,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `validation`, or what is wrong with the wishes: `unknown-rule`, `invalid-action` */
  async read(accountId: string, query: BulkQuery, body: BulkRequest | BulkFile): Promise<ReadBulk> {
    const request = isFile(body) ? fromQuery(query) : body;
    const rows = await this.rowsOf(accountId, body);
    if (rows.length === 0 || rows.length > BULK_MAX)
      throw invalid('users', `users must have 1 to ${BULK_MAX.toLocaleString('en')} entries`);
    const effectiveAt = request.effectiveAt && momentAfter('effectiveAt', request.effectiveAt, this.clock.millis());
    const { transition, reason, successors, overrides, tellContacts } = request;
    const read = { transition, reason, successors, overrides, tellContacts, effectiveAt, rows };
    await this.check(read);
    return read;
  }

  /** @throws Problem `validation` */
  async rowsOf(accountId: string, body: BulkRequest | BulkFile): Promise<NamedRow[]> {
    if (isFile(body)) return this.files.read(accountId, body.csv);
    const { users, csv } = body;
    if ((users === undefined) === (csv === undefined)) throw invalid('users', 'Send either users or csv');
    return users ?? this.files.read(accountId, csv!);
  }

  private async check({ transition, successors, overrides, rows }: ReadBulk): Promise<void> {
    const catalogue = await this.catalogue.rules();
    checkRequest(catalogue, transition, { successors, overrides });
    const ruleIds = new Set(rows.flatMap((row) => Object.keys(row.successors ?? {})));
    checkRequest(catalogue, transition, { successors: Object.fromEntries([...ruleIds].map((rule) => [rule, ''])) });
  }
}

/** An uploaded file has its other fields in the query. */
const isFile = (body: BulkRequest | BulkFile): body is BulkFile => !('transition' in body);

export const planTokenOf = (query: BulkQuery, body: BulkRequest | BulkFile): string | undefined =>
  isFile(body) ? query.planToken : body.planToken;

function fromQuery({ transition }: BulkQuery): Omit<BulkRequest, 'users' | 'csv'> {
  if (!transition) throw invalid('transition', 'transition is required');
  return { transition };
}

const invalid = (field: string, message: string) => new Problem('validation', { errors: [{ field, message }] });
